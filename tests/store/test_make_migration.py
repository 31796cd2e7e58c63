"""The command that writes migrations: what Tortoise would get wrong is put right."""

from __future__ import annotations

import pytest

from bot.store.make_migration import main, tidy

RAW = """from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('yima', '0001_initial')]

    initial = False

    operations = [
        ops.CreateModel(
            name='A',
            fields=[
                ('id', fields.BigIntField(primary_key=True, unique=True, db_index=True)),
                ('n', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('c', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=12)),
                ('at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('since', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('text', fields.TextField(unique=False)),
                ('u', fields.CharField(unique=True, max_length=12)),
            ],
            options={'table': 'a', 'app': 'yima', 'pk_attr': 'id'},
            bases=['Model'],
        ),
    ]
"""


def test_an_id_of_our_own_does_not_become_a_sequence() -> None:
    text = tidy(RAW, "A step.")
    assert "('id', fields.BigIntField(primary_key=True, generated=False))" in text
    assert "('n', fields.BigIntField(generated=True, primary_key=True))" in text
    assert "('c', fields.CharField(primary_key=True, max_length=12))" in text


def test_the_noise_goes_and_the_meaning_stays() -> None:
    text = tidy(RAW, "A step.")
    assert text.startswith('"""A step."""\n\nfrom tortoise import fields, migrations\n')
    assert "('at', fields.DatetimeField(null=True))" in text
    assert "('since', fields.DatetimeField())" in text
    assert "('text', fields.TextField())" in text
    assert "('u', fields.CharField(unique=True, max_length=12))" in text
    assert "options={'table': 'a'}" in text
    assert "dependencies = [('yima', '0001_initial')]" in text
    for noise in ("bases", "initial = False", "auto_now"):
        assert noise not in text
    compile(text, "step", "exec")


def test_the_command_without_a_name_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err

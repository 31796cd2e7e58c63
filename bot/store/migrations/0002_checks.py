"""What the columns may hold, said to the database too."""

from tortoise import migrations

from bot.store.migrations._operations import AddChecks

TEMPERATURE = "temperature_tenths IS NULL OR temperature_tenths BETWEEN 340 AND 430"
COLOURS = "('green', 'yellow', 'red', 'grey')"
STATES = "('decided', 'pending', 'undecided', 'expired')"


class Migration(migrations.Migration):
    dependencies = [("yima", "0001_initial")]  # noqa: RUF012 - the form that Tortoise reads

    operations = [  # noqa: RUF012 - the form that Tortoise reads
        AddChecks(
            {
                "AccessLog": {
                    "ck_access_log_actor_kind": "actor_kind IN ('worker', 'guardian', 'operator', 'system')"
                },
                "Account": {
                    "ck_accounts_consent": "consent IN ('none', 'asked', 'given', 'refused', 'withdrawn')"
                },
                "AccountResident": {"ck_account_residents_relation": "relation IN ('self', 'guardian')"},
                "ColourChange": {
                    "ck_colour_changes_old_colour": f"old_colour IS NULL OR old_colour IN {COLOURS}",
                    "ck_colour_changes_old_state": f"old_state IS NULL OR old_state IN {STATES}",
                    "ck_colour_changes_new_colour": f"new_colour IN {COLOURS}",
                    "ck_colour_changes_new_state": f"new_state IN {STATES}",
                },
                "Declaration": {"ck_declarations_revision": "revision >= 1"},
                "Dialogue": {"ck_dialogues_version": "version >= 0"},
                "Fact": {"ck_facts_days": "end_day IS NULL OR end_day >= start_day"},
                "Guardianship": {
                    "ck_guardianships_state": "state IN ('asked', 'active', 'ended')",
                    "ck_guardianships_other": "resident_id <> guardian_id",
                },
                "HealthCode": {
                    "ck_health_codes_colour": f"colour IN {COLOURS}",
                    "ck_health_codes_state": f"state IN {STATES}",
                },
                "IdentityCheck": {
                    "ck_identity_checks_outcome": "outcome IN ('verified', 'mismatch', 'taken')"
                },
                "Inbox": {
                    "ck_inbox_state": "state IN ('done', 'pending', 'failed')",
                    "ck_inbox_attempts": "attempts >= 0",
                },
                "Notice": {
                    "ck_notices_state": (
                        "state IN ('queued', 'sending', 'sent', 'failed', 'unknown', 'expired', 'replaced')"
                    ),
                    "ck_notices_priority": "priority IN (0, 1)",
                    "ck_notices_attempts": "attempts >= 0",
                },
                "PunchIn": {
                    "ck_punch_ins_temperature": TEMPERATURE,
                    "ck_punch_ins_revision": "revision >= 1",
                },
                "PunchInLog": {
                    "ck_punch_in_log_temperature": TEMPERATURE,
                    "ck_punch_in_log_revision": "revision >= 1",
                },
                "Resident": {
                    "ck_residents_identity": "identity IN ('none', 'claimed', 'verified')",
                    "ck_residents_input_version": "input_version >= 0",
                },
                "RiskLevel": {
                    "ck_risk_levels_level": "level IN ('low', 'medium', 'high')",
                    "ck_risk_levels_days": "to_day IS NULL OR to_day >= from_day",
                },
            }
        )
    ]

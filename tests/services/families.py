"""People who want to report for each other, over a real database: what a test of bindings does and looks at."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from bot.core.model import Identity
from bot.services import binding_answers
from bot.services.binding_answers import Answered
from bot.services.bonds import bond_by_id
from bot.services.certificates import check_certificate
from bot.services.guardians import guardians_of, open_bonds
from bot.services.households import Asked, Wish, ask
from bot.services.policy import Policies, Policy
from bot.services.real_name import Verdict
from bot.services.residents import Profile, create_member
from bot.services.worker_scope import ActingWorker
from bot.store.database import Database
from bot.store.ids import new_id
from bot.store.loader import Loader
from bot.store.snapshot import Account, Resident
from bot.store.work import Work
from bot.store.writer import Outcome, Writer
from tests.fakes.clock import FakeClock
from tests.handlers.chat.factory import FakeRegister, certificate, make_world

TODAY = date(2020, 2, 20)
HOME = ("420102", "百步亭社区 12号楼 301")
WORKER = ActingWorker(7, "community_worker", "4201")


def number(order: int, born: str = "19700101") -> str:
    """The ID card of a made-up person."""
    return certificate(f"420102{born}{order:03d}")


class Families:
    """Residents with and without accounts, and what they do to each other."""

    def __init__(self, database: Database, limit: int = 10) -> None:
        self.database, self.clock, self.register = database, FakeClock(), FakeRegister()
        self.world = make_world(self.register)
        self.world.policies = Policies(Policy(members_per_guardian=limit))
        self.writer, self.loader = Writer(database), Loader(database)
        self.accounts: dict[int, Account] = {}
        self.numbers: dict[int, str] = {}

    async def person(
        self,
        order: int,
        *,
        name: str = "王秀英",
        born: str = "19700101",
        verified: bool = True,
        phone: bool = True,
    ) -> int:
        """A resident; with `phone` they have an account of their own."""
        work = Work(now=self.clock.now())
        card = check_certificate("id_card", number(order, born), today=TODAY)
        made = create_member(work, self.world.keys, Profile(name, card, f"1390000{order:04d}", *HOME))
        if verified:
            work.update("residents", {"resident_id": made.resident_id}, identity=Identity.VERIFIED.value)
        work.rescored.add(made.resident_id)
        if phone:
            account_id = new_id()
            work.insert(
                "accounts", id=account_id, person_id=account_id, channel="wechat_official",
                external_index=f"i:{account_id}", external_sealed=b"s", consent="given", created_at=work.now,
            )  # fmt: skip
            work.insert(
                "account_residents", id=new_id(), account_id=account_id, resident_id=made.resident_id,
                relation="self", since=work.now,
            )  # fmt: skip
            self.accounts[made.resident_id] = Account(
                account_id, "wechat_official", "i", person_id=account_id
            )
        assert await self.commit(work) == Outcome.COMMITTED
        self.numbers[made.resident_id] = number(order, born)
        return made.resident_id

    async def resident(self, resident_id: int) -> Resident:
        return (await self.loader.residents([resident_id], self.clock.now()))[0]

    async def prepare(
        self, guardian_id: int, card: str, *, name: str = "王秀英", **more: Any
    ) -> tuple[Asked, Work]:
        """What a wish comes to, not yet written."""
        work = Work(now=self.clock.now())
        certificate_ = check_certificate("id_card", card, today=TODAY)
        wish = Wish(more.pop("label", "妈妈"), name, certificate_, **more)
        asked = await ask(
            self.world, work, self.database, account=self.accounts[guardian_id],
            guardian=await self.resident(guardian_id), wish=wish,
        )  # fmt: skip
        return asked, work

    async def ask(self, guardian_id: int, card: str, **more: Any) -> Asked:
        asked, work = await self.prepare(guardian_id, card, **more)
        assert await self.commit(work) == Outcome.COMMITTED
        return asked

    async def prepare_answer(self, member_id: int, *, agrees: bool = True) -> tuple[Answered, Work]:
        """What the answer to the first who asks comes to, not yet written."""
        found = await guardians_of(self.database, self.world.keys, member_id)
        waiting = open_bonds(found, self.clock.now())
        work = Work(now=self.clock.now())
        bond_id = waiting[0].guardianship_id if waiting else 1
        answered = await binding_answers.answer(
            self.world, work, self.database, member=await self.resident(member_id),
            account=self.accounts[member_id], bond_id=bond_id, agrees=agrees,
        )  # fmt: skip
        return answered, work

    async def answer(self, member_id: int, *, agrees: bool = True) -> Answered:
        answered, work = await self.prepare_answer(member_id, agrees=agrees)
        assert await self.commit(work) == Outcome.COMMITTED
        return answered

    async def bind(self, guardian_id: int, member_id: int) -> Answered:
        """Asked and agreed to."""
        assert await self.ask(guardian_id, self.numbers[member_id]) == Asked.ASKED
        return await self.answer(member_id)

    async def act(self, what: str, resident_id: int, bond_id: int) -> Answered:
        """`release` by the member or `remove` by the guardian."""
        work = Work(now=self.clock.now())
        side = "member" if what == "release" else "guardian"
        answered: Answered = await getattr(binding_answers, what)(
            self.world, work, self.database, account=self.accounts[resident_id], bond_id=bond_id,
            **{side: await self.resident(resident_id)},
        )  # fmt: skip
        assert await self.commit(work) == Outcome.COMMITTED
        return answered

    async def by_worker(self, *, yes: bool = True, worker: ActingWorker = WORKER) -> Answered:
        """The only one that waits for a worker is confirmed or refused."""
        [(bond_id,)] = await self.rows(
            "SELECT id FROM guardianships WHERE state = 'asked' AND waits_for = 'worker'"
        )
        bond = await bond_by_id(self.database, bond_id)
        assert bond is not None
        work = Work(now=self.clock.now())
        act = binding_answers.confirm_by_worker if yes else binding_answers.refuse_by_worker
        answered = await act(
            self.world, work, self.database, bond=bond, member=await self.resident(bond.resident_id),
            worker=worker, why="saw_document",
        )  # fmt: skip
        assert await self.commit(work) == Outcome.COMMITTED
        return answered

    async def commit(self, work: Work) -> Outcome:
        return await self.writer.commit(work)

    async def bonds(self) -> list[tuple[Any, ...]]:
        """Member, guardian, state and whom it waits for of every guardianship."""
        return await self.rows(
            "SELECT resident_id, guardian_id, state, waits_for FROM guardianships ORDER BY id"
        )

    async def only_bond(self) -> tuple[int, str, str, str]:
        """Id, state, who confirmed and who ended the only guardianship."""
        [row] = await self.rows("SELECT id, state, confirmed_by, ended_by FROM guardianships")
        return row[0], row[1], row[2], row[3]

    async def speaks(self, guardian_id: int, member_id: int) -> bool:
        """Whether the guardian's account speaks for the member."""
        rows = await self.rows(
            "SELECT 1 FROM account_residents WHERE account_id = ? AND resident_id = ? AND relation = 'guardian'",
            self.accounts[guardian_id].id, member_id,
        )  # fmt: skip
        return bool(rows)

    async def told(self, resident_id: int) -> list[tuple[str, str]]:
        """Kind and `what` of every notice to that person."""
        rows = await self.rows(
            "SELECT kind, params_sealed FROM notices WHERE person_id = ? ORDER BY id",
            self.accounts[resident_id].id,
        )
        return [(row[0], self.world.keys.open_json("notices.params", row[1]).get("what", "")) for row in rows]

    async def counts(self) -> dict[str, int]:
        """How many rows there are of everything that a binding writes."""
        tables = (
            "residents", "guardianships", "account_residents", "follow_ups", "declarations", "notices",
            "households", "health_codes", "access_log",
        )  # fmt: skip
        return {table: (await self.rows(f"SELECT count(*) FROM {table}"))[0][0] for table in tables}

    async def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.database.fetch(sql, params)]

    def away(self) -> None:
        """The register can't be reached."""
        self.register.verdict = Verdict.UNAVAILABLE

    def wait(self, **how_long: float) -> None:
        self.clock.advance(timedelta(**how_long))

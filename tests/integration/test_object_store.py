"""Nights whose logs and tables are in an object store: a real S3 server, which stops, is slow, or refuses requests."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import date
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tests.integration.conftest import BEFORE, DAY, Job
from tests.integration.day_tables import day_tables
from tests.integration.fault_proxy import always, fault_proxy, often
from tests.integration.jobs import Jobs
from tests.integration.kill_battery import FIRST, SECOND
from tests.integration.test_protocol import BATTERY, backfill, until_done
from tests.integration.test_protocol import night as night_command
from tests.runs.racers import require_one_holder_at_a_time
from tests.tolerant import TOLERANT
from tools.object_store import KEY, SECRET, ObjectStore
from tools.processes import fresh_environment

from creatorpool.runs.claims import TABLE
from creatorpool.storage.places import place_of, tables_root
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

pytestmark = [pytest.mark.once, pytest.mark.timeout(900)]


def night(job: Job, store: ObjectStore, root: str, day: date = DAY, *words: str) -> subprocess.CompletedProcess[str]:
    source = store.uri(f"raw/{day}")
    return job("allocate_pool.py", "--date", day, "--source", source, "--root", store.uri(root), *words)


@pytest.fixture(scope="module")
def published(store: ObjectStore, job: Job) -> str:
    """The URI of a root with one published day."""
    ended = night(job, store, "tables")
    assert ended.returncode == 0, ended.stderr
    assert not [secret for secret in (KEY, SECRET) if secret in ended.stderr + ended.stdout]
    return store.uri("tables")


def test_night_in_an_object_store_pays_as_in_a_folder(published: str, undisturbed: Path, store: ObjectStore) -> None:
    assert day_tables(tables_root(published)) == day_tables(undisturbed)
    assert day_tables(tables_root(published.replace("s3:", "s3a:"))) == day_tables(undisturbed)
    # Staged copies are gone; the page, the pages of the checks and the tables are there.
    beside = {path.name for path in (store.bucket / "tables").iterdir() if path.name.startswith("_")}
    assert beside == {"_reports", "_data_docs"}
    assert (store.bucket / "tables" / "_reports" / f"night-{DAY}.html").is_file()
    assert (store.bucket / "tables" / "_data_docs" / "index.html").is_file()


def test_verbs_work_on_an_object_store(published: str, store: ObjectStore, jobs: Jobs) -> None:
    day, root = ("--date", str(DAY)), ("--root", published)
    before, corrected, tolerant = store.uri(f"raw/{BEFORE}"), store.uri(f"raw/{DAY}-corrected"), ("--set", TOLERANT)
    backfill = ("--from", str(BEFORE), "--to", str(DAY), "--source", store.uri("raw/{date}"))
    objects = len(list((store.bucket / "tables").rglob("*.parquet")))
    dry = ("run", "--date", str(BEFORE), "--source", before, "--dry-run", *tolerant)
    assert jobs.verb(*dry, *root).returncode == 0
    assert len(list((store.bucket / "tables").rglob("*.parquet"))) == objects
    for words in [
        ("run", *day, "--dry-run", "--set", "allocation.alpha=0.7", *tolerant),
        ("backfill", *backfill, *tolerant),
        ("explain", *day),
        ("statements", *day),
        ("report", *day),
        ("report", *day, "--output", store.uri("pages/night.html")),
        ("compare-rules", *day, "--chart", store.uri("pages/rules.svg")),
        ("run", *day, "--source", corrected, "--reingest", "--dry-run", *tolerant),
        ("run", *day, "--republish", "--set", "allocation.alpha=0.7", *tolerant),
        ("maintain", "--keep-days", "30", "--dry-run"),
        ("maintain", "--keep-days", "30"),
        ("verify", *day),
        ("reproduce", *day),
        ("status",),
        ("claims", "list"),
        ("query", "SELECT sum(total_micros) FROM creator_payouts"),
    ]:
        ended = jobs.verb(*words, *root)
        assert ended.returncode == 0, f"{words}: {ended.stderr}"
    assert {path.name for path in (store.bucket / "pages").iterdir()} == {"night.html", "rules.svg"}
    assert not list((store.bucket / "tables" / "_trials").glob("*"))


def test_claim_in_an_object_store_has_one_holder_at_a_time(store: ObjectStore, tmp_path: Path) -> None:
    root = tables_root(store.uri("race"))
    Warehouse(None, root).ensure(TABLE)

    require_one_holder_at_a_time(root, tmp_path / "holders")


def started(store: ObjectStore, root: str, port: int | None = None) -> subprocess.Popen[str]:
    words = ("--date", str(DAY), "--source", store.uri(f"raw/{DAY}"), "--root", store.uri(root), "--set", TOLERANT)
    command = [sys.executable, "-m", "creatorpool.cli", "run", *words]
    environment = fresh_environment(**store.environment(port))
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)


def read_until(run: subprocess.Popen[str], sign: str) -> list[str]:
    lines = []
    for line in run.stderr or ():
        lines.append(line)
        if sign in line:
            return lines
    pytest.fail("".join(lines))


@pytest.mark.parametrize("sign", [pytest.param("events: reads", marks=pytest.mark.prove), "signals: begins"])
def test_night_goes_on_after_its_server_was_stopped_and_started(
    store: ObjectStore, undisturbed: Path, sign: str
) -> None:
    root = f"stopped-{sign[:6]}"
    run = started(store, root)
    read_until(run, sign)
    store.stop()
    time.sleep(4)
    store.start()
    message = run.communicate(timeout=400)[1]

    assert run.returncode == 0, message
    assert day_tables(tables_root(store.uri(root))) == day_tables(undisturbed)


@pytest.mark.prove  # waits for minutes, until the repetitions of requests end
@pytest.mark.timeout(1800)
def test_night_whose_server_is_gone_ends_in_one_line_and_runs_again(
    store: ObjectStore, undisturbed: Path, job: Job
) -> None:
    run = started(store, "gone")
    read_until(run, "signals: begins")
    store.stop()
    try:
        message = run.communicate(timeout=800)[1]
    finally:
        store.start()

    assert run.returncode == 1, message
    assert "the object store does not answer as it should" in message.splitlines()[-1]
    assert "Traceback" not in message
    again = night(job, store, "gone")
    assert again.returncode == 0, again.stderr
    assert day_tables(tables_root(store.uri("gone"))) == day_tables(undisturbed)


@pytest.mark.prove  # waits for minutes, until the repetitions of requests end
@pytest.mark.timeout(1800)
def test_night_with_slow_and_refused_answers_pays_the_same(store: ObjectStore, undisturbed: Path) -> None:
    with fault_proxy(store.port, often(share=0.05, seconds=1.0, seed=3)) as port:
        run = started(store, "unsteady", port)
        message = run.communicate(timeout=800)[1]

    assert run.returncode == 0, message
    assert day_tables(tables_root(store.uri("unsteady"))) == day_tables(undisturbed)


def doctor(store: ObjectStore, root: str, port: int | None = None) -> subprocess.CompletedProcess[str]:
    words = ["doctor", "--root", store.uri(root), "--source", store.uri(f"raw/{DAY}")]
    command = [sys.executable, "-m", "creatorpool.cli", *words]
    environment = fresh_environment(**store.environment(port))
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_doctor_finds_nothing_wrong_and_leaves_nothing(store: ObjectStore) -> None:
    ended = doctor(store, "new")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "of six commits at the same time, none was lost" in ended.stdout
    assert not list(place_of(store.uri("new")).glob("**/*"))


def test_store_that_ignores_conditions_of_writes_is_refused(store: ObjectStore, job: Job) -> None:
    def forget(request: BaseHTTPRequestHandler) -> bool:
        if request.command == "PUT" and request.headers.get("If-None-Match"):
            (store.folder / request.path.strip("/").partition("?")[0]).unlink(missing_ok=True)
        return False

    with fault_proxy(store.port, forget) as port:
        ended = doctor(store, "unsafe", port)
        run = started(store, "unsafe", port)
        message = run.communicate(timeout=200)[1]

    assert ended.returncode == run.returncode == 3
    for text in (ended.stderr, message):
        assert "ignores the condition of a write" in text
        assert "Traceback" not in text


def test_commit_whose_answer_was_lost_is_made_once(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[str] = []

    def lose(request: BaseHTTPRequestHandler) -> bool:
        is_first = request.command == "PUT" and "/_delta_log/" in request.path and len(lost) < 2
        if is_first:
            lost.append(request.path)
        return is_first

    tables = Warehouse(None, tables_root(store.uri("lost")))
    money = dict.fromkeys(("payout_micros", "pulse_micros", "total_micros", "videos_paid"), 1)
    row = {"date": DAY, "creator_id": "c", "currency": "USD", **money}
    tables.ensure("creator_payouts")
    staged = [tables.stage_records([row], "creator_payouts", DAY), tables.stage_records([], "creator_payouts", BEFORE)]
    with fault_proxy(store.port, lambda _: False, lose) as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        through_proxy = Warehouse(None, tables.root)
        versions = [through_proxy.commit(one) for one in staged]
        rows = through_proxy.read_arrow("creator_payouts").num_rows

    assert len(lost) == len(versions) == 2
    assert versions == [1, 2]
    assert rows == 1


@pytest.mark.prove  # waits for minutes, until the repetitions of requests end
@pytest.mark.timeout(1800)
def test_server_that_refuses_everything_is_one_line(store: ObjectStore) -> None:
    with fault_proxy(store.port, always) as port:
        run = started(store, "refused", port)
        message = run.communicate(timeout=600)[1]

    assert run.returncode == 1, message
    assert "the object store does not answer as it should" in message.splitlines()[-1]


def test_wrong_credentials_and_buckets_are_one_line(store: ObjectStore, jobs: Jobs) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        denied = jobs.verb("status", "--root", store.uri("tables"))
    missing = jobs.verb("run", "--date", DAY, "--root", "s3://nowhere/tables", "--source", store.uri(f"raw/{DAY}"))

    assert (denied.returncode, missing.returncode) == (3, 3), denied.stderr + missing.stderr
    assert "the object store refuses this account" in denied.stderr
    assert "the bucket does not exist" in missing.stderr


@pytest.mark.prove
@pytest.mark.timeout(7200)
def test_commands_killed_at_their_writes_end_in_the_same_tables(store: ObjectStore, tmp_path: Path) -> None:
    for day in (BEFORE, DAY):
        generate_day(store.bucket / "battery" / str(day), day, SyntheticMarket(seed=7, n_events=1_500))
    generate_day(store.bucket / "battery" / f"{BEFORE}-corrected", BEFORE, SyntheticMarket(seed=9, n_events=1_400))
    environment = fresh_environment(PYTHONPATH=str(BATTERY.parents[2]))
    for root, kills in ((str(tmp_path / "calm"), "0"), (store.uri("killed"), "64")):
        words = [str(BATTERY), store.uri("battery"), root, "embedded", kills, "5"]
        ended = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, env=environment)
        assert ended.returncode == 0, ended.stdout + ended.stderr[-6000:]

    assert day_tables(tables_root(store.uri("killed"))) == day_tables(tmp_path / "calm")


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_runs_at_once_end_in_one_result_and_refusals(store: ObjectStore) -> None:
    for day in (FIRST, SECOND):
        generate_day(store.bucket / "at-once" / f"{day}", day, SyntheticMarket(seed=7, n_events=1_500))
    raw, root = place_of(store.uri("at-once")), place_of(store.uri("races"))
    until_done([backfill(raw)], root / "alone", "embedded")
    until_done([night_command(raw, FIRST)] * 4, root / "four", "embedded")
    until_done([night_command(raw, SECOND)], root / "four", "embedded")
    until_done([backfill(raw)] * 2, root / "backfills", "embedded")

    for name in ("four", "backfills"):
        assert day_tables(root / name) == day_tables(root / "alone"), name

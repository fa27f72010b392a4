"""Packages are stored once and never lost, and releases name them."""

import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.deploy.functions import code_hash
from infra.deploy.package import ROOT
from infra.deploy.releases import PackageMissing, Release, Releases
from infra.embedded.aws import EmbeddedAws
from infra.templates import INFRA, Template

BUCKET = "argus-releases-packages"


@pytest.fixture
def releases(aws: EmbeddedAws) -> Iterator[Releases]:
    s3, ssm = aws.client("s3"), aws.client("ssm")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": aws.region})
    yield Releases("releases", ssm, s3, BUCKET)
    for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    s3.delete_bucket(Bucket=BUCKET)


def package(path: Path, content: str, level: int = 6) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as opened:
        opened.writestr(zipfile.ZipInfo("main.py"), content, zipfile.ZIP_DEFLATED, level)
    return path


def test_the_same_content_in_other_bytes_is_the_package_that_is_stored(releases: Releases, tmp_path: Path) -> None:
    """Another version of zlib compresses to other bytes; Lambda runs those that were stored first."""
    content = "".join(str(number * number) for number in range(2000))
    first, second = package(tmp_path / "a.zip", content, level=9), package(tmp_path / "b.zip", content, level=1)
    assert first.read_bytes() != second.read_bytes()
    stored = releases.store({"api": first})
    assert stored.hashes == {"api": code_hash(first.read_bytes())}
    assert releases.store({"api": second}) == stored


def test_a_rollback_to_a_release_whose_package_was_deleted_is_refused(releases: Releases, tmp_path: Path) -> None:
    stored = releases.store({"api": package(tmp_path / "a.zip", "one"), "worker": package(tmp_path / "b.zip", "two")})
    releases.check(stored)
    releases.s3.delete_object(Bucket=BUCKET, Key=stored.keys["worker"])
    with pytest.raises(PackageMissing, match=f"^{stored.keys['worker']} was deleted from {BUCKET}"):
        releases.check(stored)


def test_the_last_two_releases_are_recorded(releases: Releases) -> None:
    assert not releases.current()
    assert not releases.previous()
    one, two = Release({"api": "one"}, {"api": "1"}), Release({"api": "two"}, {"api": "2"})
    for recorded in (one, two, two):
        releases.record(recorded)
    assert (releases.current(), releases.previous()) == (two, one)


def test_a_release_names_the_commit_that_it_was_built_from(releases: Releases, tmp_path: Path) -> None:
    stored = releases.store({"api": package(tmp_path / "a.zip", "one")})
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert head.stdout.startswith(stored.commit.removesuffix("-dirty"))
    releases.record(stored)
    assert releases.current().commit == stored.commit
    assert replace(stored, commit="another") == stored  # the same packages are the same release


def test_no_rule_expires_packages() -> None:
    bucket = Template.read(INFRA / "packages.yaml").resources["PackagesBucket"]["Properties"]
    for rule in bucket["LifecycleConfiguration"]["Rules"]:
        assert not {"ExpirationInDays", "ExpirationDate", "Transitions"} & rule.keys()

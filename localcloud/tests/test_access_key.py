"""The stand-in's access key: random, private, and readable by AWS's own tools."""

import stat
from pathlib import Path

import botocore.session
import pytest

from localcloud.access_key import AccessKey


def test_a_key_is_generated_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "home" / "aws-credentials"
    key = AccessKey.load_or_create(path)
    assert AccessKey.load_or_create(path) == key
    assert AccessKey.generate() != key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["aws-credentials"]


def test_a_key_looks_like_aws_and_hides_its_secret() -> None:
    key = AccessKey.generate()
    assert len(key.key_id) == 20
    assert key.key_id.startswith("AKIA")
    assert len(key.secret) == 40
    assert key.secret not in repr(key)


def test_botocore_reads_the_credentials_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "aws-credentials"
    key = AccessKey.load_or_create(path)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    monkeypatch.setenv("AWS_PROFILE", "default")
    # What `make env` sets so that a person's own keys aren't used.
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "")
    found = botocore.session.Session().get_credentials()
    assert found is not None
    assert (found.access_key, found.secret_key) == (key.key_id, key.secret)
    assert found.token is None


def test_an_invalid_credentials_file_is_reported_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "aws-credentials"
    path.write_text("[default]\nnot-a-setting-but-perhaps-a-secret\n", encoding="utf-8")
    with pytest.raises(ValueError, match="holds no access key: delete it") as refused:
        AccessKey.load_or_create(path)
    assert "perhaps-a-secret" not in str(refused.value)
    assert refused.value.__cause__ is None

"""Probes of ECR's repositories, with an image of one layer of a few bytes."""

import datetime as dt
import gzip
import hashlib
import json
from typing import Final
from urllib.parse import urljoin

import httpx2

from automation.probes.families.sources import DOC_ECR, REPORT, doc
from automation.probes.kinds import REPOSITORY
from automation.probes.observations import ACCEPTED, UNDOCUMENTED, Observation
from automation.probes.probe import Family
from automation.probes.sandbox import Sandbox

REPOSITORIES: Final = Family("ecr")
_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIGURATION: Final = "application/vnd.docker.container.image.v1+json"
_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
# The end of a tar archive: an image without files.
_EMPTY_TAR: Final = bytes(1024)
_SCAN_SECONDS: Final = 120.0


def _repository(box: Sandbox) -> str:
    """Create a repository with immutable tags, and return its URI."""
    box.owns(REPOSITORY, box.name)
    created = box.client("ecr").create_repository(
        repositoryName=box.name,
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
        tags=box.tags,
    )
    return str(created["repository"]["repositoryUri"])


class _Registry:
    """A repository's registry, by the protocol that Docker uses."""

    def __init__(self, box: Sandbox, uri: str) -> None:
        """Log in.

        Args:
            uri: the repository's.
        """
        data = box.client("ecr").get_authorization_token()["authorizationData"][0]
        box.placeholders.learn("secret", [data["authorizationToken"]])
        self._box = box
        host = uri.partition("/")[0]
        # As Docker has it: only registries of this machine may do without TLS.
        scheme = "http" if host.partition(":")[0] == "localhost" else "https"
        self._base = f"{scheme}://{uri.replace('/', '/v2/', 1)}"
        self._headers = {"authorization": f"Basic {data['authorizationToken']}"}

    def push(self, tag: str) -> httpx2.Response:
        """Push the image, and return the answer for its manifest."""
        layer = gzip.compress(_EMPTY_TAR, mtime=0)
        configuration = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": [_digest(_EMPTY_TAR)]},
            }
        ).encode()
        for blob in (layer, configuration):
            self._upload(blob)
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": _part(_CONFIGURATION, configuration),
                "layers": [_part(_LAYER, layer)],
            }
        ).encode()
        response = self._box.around.http.put(
            f"{self._base}/manifests/{tag}",
            content=manifest,
            headers={**self._headers, "content-type": _MANIFEST},
        )
        if response.is_error:
            self._box.messages.append(response.text)
        return response

    def _upload(self, blob: bytes) -> None:
        begun = self._box.around.http.post(f"{self._base}/blobs/uploads/", headers=self._headers)
        begun.raise_for_status()
        location = httpx2.URL(urljoin(str(begun.url), begun.headers["location"]))
        self._box.around.http.put(
            location.copy_merge_params({"digest": _digest(blob)}),
            content=blob,
            headers={**self._headers, "content-type": "application/octet-stream"},
        ).raise_for_status()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _part(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "size": len(content), "digest": _digest(content)}


@REPOSITORIES.probe(
    "ecr-tag-pushed-twice",
    rows=["Tag pushed twice to an immutable repository"],
    documented={"first": True, "same digest again": False, "status": UNDOCUMENTED, "images": 1},
    source=REPORT,
    seconds=15,
)
def _tag_pushed_twice(box: Sandbox) -> Observation:
    """Is a tag refused that an immutable repository has, even for the same digest?"""
    registry = _Registry(box, _repository(box))
    first, second = registry.push("1"), registry.push("1")
    return {
        "first": first.is_success,
        "same digest again": second.is_success,
        "status": second.status_code,
        "images": len(box.client("ecr").describe_images(repositoryName=box.name)["imageDetails"]),
    }


@REPOSITORIES.probe(
    "ecr-missing-image",
    rows=["Missing image in DescribeImages"],
    documented={
        "image": "ImageNotFoundException",
        "repository": "RepositoryNotFoundException",
        "lifecycle policy": "LifecyclePolicyNotFoundException",
        "repository's policy": "RepositoryPolicyNotFoundException",
    },
    source=doc(f"{DOC_ECR}/APIReference/API_DescribeImages.html"),
)
def _missing_image(box: Sandbox) -> Observation:
    """Which errors does ECR return for what doesn't exist?"""
    _repository(box)
    ecr = box.client("ecr")
    missing = [{"imageTag": "missing"}]
    return {
        "image": box.outcome(
            lambda: ecr.describe_images(repositoryName=box.name, imageIds=missing)
        ),
        "repository": box.outcome(
            lambda: ecr.describe_images(repositoryName=f"{box.name}-missing", imageIds=missing)
        ),
        "lifecycle policy": box.outcome(lambda: ecr.get_lifecycle_policy(repositoryName=box.name)),
        "repository's policy": box.outcome(
            lambda: ecr.get_repository_policy(repositoryName=box.name)
        ),
    }


@REPOSITORIES.probe(
    "ecr-scan-of-empty-image",
    rows=["Scan on push, which `P1-scan` proves to be on"],
    documented={"status": "UNSUPPORTED_IMAGE"},
    source=doc(f"{DOC_ECR}/userguide/image-scanning-basic.html"),
    seconds=60,
    differs=["status"],
)
def _scan_of_empty_image(box: Sandbox) -> Observation:
    """What does the basic scan find in an image without an operating system?"""
    registry = _Registry(box, _repository(box))
    registry.push("1").raise_for_status()
    ecr = box.client("ecr")

    def status() -> str:
        seen: list[str] = []
        code = box.outcome(
            lambda: seen.append(
                ecr.describe_image_scan_findings(
                    repositoryName=box.name, imageId={"imageTag": "1"}
                )["imageScanStatus"]["status"]
            )
        )
        return seen[0] if code == ACCEPTED else code

    unfinished = {"PENDING", "IN_PROGRESS", "ACTIVE"}
    return {
        "status": box.until(
            lambda: None if (now := status()) in unfinished else now, _SCAN_SECONDS, "a scan"
        )
    }


@REPOSITORIES.probe(
    "ecr-login",
    rows=["Registry login"],
    documented={"hours": 12},
    source=doc(f"{DOC_ECR}/userguide/registry_auth.html"),
)
def _login(box: Sandbox) -> Observation:
    """For how many hours is a registry's password valid?"""
    data = box.client("ecr").get_authorization_token()["authorizationData"][0]
    valid = data["expiresAt"] - dt.datetime.now(dt.UTC)
    return {"hours": round(valid.total_seconds() / 3600)}

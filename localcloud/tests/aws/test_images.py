"""Images that services pull and no longer need, with an Engine of the test."""

import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import docker
import docker.errors

from localcloud.aws.containers import ImageStore

IMAGE = "localhost:4566/server@sha256:1"
_TIME_LIMIT = 10


@dataclass
class Engine:
    """An Engine with images; a removal waits until the test allows it."""

    known: set[str] = field(default_factory=set)
    removing: threading.Event = field(default_factory=threading.Event)
    may_remove: threading.Event = field(default_factory=threading.Event)

    @property
    def images(self) -> "Engine":
        return self

    def get(self, image: str) -> None:
        if image not in self.known:
            raise docker.errors.ImageNotFound(image)

    def pull(self, image: str, auth_config: dict[str, str]) -> SimpleNamespace:
        assert auth_config == {}
        self.known.add(image)
        return SimpleNamespace(attrs={"Os": "linux", "Architecture": "amd64"})

    def remove(self, image: str) -> None:
        self.removing.set()
        assert self.may_remove.wait(_TIME_LIMIT)
        self.known.discard(image)


def test_an_image_that_is_pulled_during_its_removal_stays() -> None:
    engine = Engine()
    store = ImageStore(cast("docker.DockerClient", engine))
    store.pull(IMAGE, {}, user="task")
    store.retain("task", ())
    removal = threading.Thread(target=store.remove_unused)
    removal.start()
    assert engine.removing.wait(_TIME_LIMIT)
    pull = threading.Thread(target=store.pull, args=(IMAGE, {}), kwargs={"user": "task"})
    pull.start()
    pull.join(0.1)
    engine.may_remove.set()
    pull.join(_TIME_LIMIT)
    removal.join(_TIME_LIMIT)
    assert engine.known == {IMAGE}
    store.remove_unused()
    assert engine.known == {IMAGE}
    store.retain("task", ())
    store.remove_unused()
    assert engine.known == set()

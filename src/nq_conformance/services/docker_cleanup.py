"""Removes the containers that bear a label. Run as a file by a keeper: ``docker_cleanup.py ADDRESS LABEL``.

Nothing of this package is imported, so that it runs whatever the import path is.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container


def remove_labelled(client: DockerClient, label: str) -> int:
    """Remove all containers with ``label`` (``name=value``), running or not, and their volumes; how many."""
    containers = client.containers.list(all=True, filters={"label": label}, ignore_removed=True)
    return sum(remove(container) for container in containers)


def remove(container: Container) -> bool:
    """Remove one container; False if somebody else was faster."""
    from docker.errors import APIError, NotFound  # noqa: PLC0415 - optional

    try:
        container.remove(force=True, v=True)
    except NotFound:
        return False
    except APIError as error:
        if error.status_code == 409:  # its removal is already in progress
            return False
        raise
    return True


def main(address: str, label: str) -> None:
    """Remove what bears ``label`` at the daemon that listens at ``address``."""
    import docker  # noqa: PLC0415 - optional

    client = docker.from_env(environment={**os.environ, "DOCKER_HOST": address})
    try:
        remove_labelled(client, label)
    finally:
        client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

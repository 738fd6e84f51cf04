"""A cluster file as a laptop needs it: the name, the provider, and who may log in. Ray reads the rest of it.

The file is one of `ray up`, or Kubernetes manifests among which is a RayCluster or a RayJob of KubeRay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from panda_ray.clusters.node_types import NodeType, types_of_kuberay, types_of_ray_up
from panda_ray.errors import InputError

PROVIDERS = ("local", "aws", "gcp", "kubernetes")
"""Those whose head can be found."""

_KUBERAY = ("RayCluster", "RayJob")


@dataclass(frozen=True)
class ClusterFile:
    """What a cluster file says of the way to its head.

    Attributes:
        provider: the section of that name; of a manifest its `kind` and `namespace`.
        user: who logs in on the head.
        key: private key to log in with; None lets ssh choose, or the provider.
        proxy_command: what ssh goes through, as `ssh_proxy_command` in the file.
        node_types: what may be up or be started; empty where the file lists addresses.
    """

    path: str
    name: str
    provider: Mapping[str, Any] = field(repr=False)
    user: str | None = None
    key: str | None = None
    proxy_command: str | None = None
    node_types: tuple[NodeType, ...] = ()

    @property
    def kind(self) -> str:
        """One of `PROVIDERS`."""
        return str(self.provider["type"])


def read_cluster_file(path: str) -> ClusterFile:
    """Read the file that a cluster was started with.

    Raises:
        InputError: there is no such file, it is no cluster file, or one of a provider that is not known here.
    """
    documents = _documents(path)
    manifest = next((found for found in documents if found.get("kind") in _KUBERAY), None)
    return _of_ray_up(path, documents[0]) if manifest is None else _of_kuberay(path, manifest)


def _documents(path: str) -> list[dict[str, Any]]:
    try:
        documents = list(yaml.safe_load_all(Path(path).read_text()))
    except FileNotFoundError:
        raise InputError(
            f"there is no cluster file {path!r}; give the file that the cluster was started with"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    documents = [found for found in documents if isinstance(found, dict)]
    if not documents:
        raise InputError(f"{path}: no cluster file, which is a mapping that begins with `cluster_name:`")
    return documents


def _of_ray_up(path: str, data: Mapping[str, Any]) -> ClusterFile:
    name, provider, auth = data.get("cluster_name"), data.get("provider"), data.get("auth") or {}
    if not isinstance(name, str) or not isinstance(provider, dict) or not isinstance(auth, dict):
        raise InputError(
            f"{path}: no cluster file: it lacks `cluster_name` or `provider` of `ray up`, and is no RayCluster"
        )
    if provider.get("type") not in PROVIDERS:
        raise InputError(
            f"{path}: the head of a cluster with provider {provider.get('type')!r} cannot be found from here "
            f"(known: {', '.join(PROVIDERS)}); give its Jobs API instead: --address http://HOST:8265"
        )
    user, key, proxy = (auth.get(name) for name in ("ssh_user", "ssh_private_key", "ssh_proxy_command"))
    key = str(Path(key).expanduser()) if key else None
    return ClusterFile(path, name, provider, user, key, proxy, tuple(types_of_ray_up(data)))


def _of_kuberay(path: str, manifest: Mapping[str, Any]) -> ClusterFile:
    about = manifest.get("metadata") or {}
    if not isinstance(about.get("name"), str):
        raise InputError(f"{path}: the {manifest['kind']} has no metadata.name")
    provider = {"type": "kubernetes", "kind": manifest["kind"], "namespace": about.get("namespace")}
    return ClusterFile(path, about["name"], provider, node_types=tuple(types_of_kuberay(manifest)))

"""The head of a cluster on AWS: the running instance with the tags that `ray up` gives it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from panda_ray.clusters.cluster_file import ClusterFile
from panda_ray.clusters.heads.head import SshHead
from panda_ray.clusters.unreachable import UnreachableError
from panda_ray.errors import InputError


def find(file: ClusterFile) -> SshHead:
    """Ask EC2.

    Raises:
        InputError: the file names no region, or boto3 is not installed.
        UnreachableError: EC2 cannot be asked, or knows no running head of that name.
    """
    instance = _running_head(file)
    inside = bool(file.provider.get("use_internal_ips"))
    host = instance.get("PrivateIpAddress" if inside else "PublicIpAddress")
    if not host:
        raise UnreachableError(
            f"{file.path}: the head {instance['InstanceId']} has no public address; reach it over your network with "
            "`use_internal_ips: true` under `provider`, or by `ssh_proxy_command` under `auth`"
        )
    return SshHead(host, file.user, file.key or _key_of(instance), file.proxy_command)


def _running_head(file: ClusterFile) -> dict[str, Any]:
    region = file.provider.get("region")
    if not isinstance(region, str):
        raise InputError(f"{file.path}: `provider` has no `region`")
    try:
        import boto3  # type: ignore[import-untyped,unused-ignore]
        from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped,unused-ignore]
    except ModuleNotFoundError:
        raise InputError(
            f"{file.path}: finding a head on AWS needs boto3, which is not installed here: pip install 'panda-ray[s3]'"
        ) from None
    wanted = {
        "tag:ray-cluster-name": file.name,
        "tag:ray-node-type": "head",
        "instance-state-name": "running",
    }
    filters = [{"Name": name, "Values": [value]} for name, value in wanted.items()]
    try:
        answer = boto3.client("ec2", region_name=region).describe_instances(Filters=filters)
    except (BotoCoreError, ClientError, ValueError) as error:
        raise UnreachableError(
            f"{file.path}: AWS cannot be asked for the head of {file.name!r}: {' '.join(str(error).split())}"
        ) from None
    found = [instance for reservation in answer["Reservations"] for instance in reservation["Instances"]]
    if not found:
        raise UnreachableError(
            f"{file.path}: no head of {file.name!r} runs in {region}; start the cluster: ray up {file.path}"
        )
    newest: dict[str, Any] = max(found, key=lambda instance: instance["LaunchTime"])
    return newest


def _key_of(instance: dict[str, Any]) -> str | None:
    """The file in which `ray up` keeps the key pair that it makes."""
    path = Path.home() / ".ssh" / f"{instance.get('KeyName')}.pem"
    return str(path) if path.exists() else None

"""What clusters/aws_account.yaml asks of CloudFormation, asked of an account's services one by one.

Moto's CloudFormation needs libraries of a dozen other services; what the file asks for needs IAM and S3.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml


def make_account(file: Path, bucket: str, iam: Any, s3: Any) -> None:
    """Make the bucket, the policies, the roles and the profiles."""
    template = yaml.load(file.read_text(), Loader=_loader(bucket))
    named = {name: resource["Properties"] for name, resource in template["Resources"].items()}
    kinds = {name: resource["Type"].rpartition("::")[2] for name, resource in template["Resources"].items()}

    def of_kind(kind: str) -> list[str]:
        return [name for name, its_kind in kinds.items() if its_kind == kind]

    for name in of_kind("Bucket"):
        s3.create_bucket(Bucket=named[name]["BucketName"])
    policies = {}
    for name in of_kind("ManagedPolicy"):
        document = json.dumps(named[name]["PolicyDocument"])
        policies[name] = iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
    for name in of_kind("Role"):
        role = named[name]
        document = json.dumps(role["AssumeRolePolicyDocument"])
        iam.create_role(RoleName=role["RoleName"], AssumeRolePolicyDocument=document)
        for policy in role["ManagedPolicyArns"]:
            iam.attach_role_policy(RoleName=role["RoleName"], PolicyArn=policies.get(policy, policy))
        for inline in role.get("Policies", []):
            document = json.dumps(inline["PolicyDocument"])
            iam.put_role_policy(RoleName=role["RoleName"], PolicyName=inline["PolicyName"], PolicyDocument=document)
    for name in of_kind("InstanceProfile"):
        profile = named[name]["InstanceProfileName"]
        iam.create_instance_profile(InstanceProfileName=profile)
        for role in named[name]["Roles"]:
            iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=named[role]["RoleName"])


def _loader(bucket: str) -> type[yaml.SafeLoader]:
    """A loader that knows CloudFormation's short functions."""

    class Loader(yaml.SafeLoader):
        pass

    def sub(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
        return loader.construct_scalar(node).replace("${Bucket}", bucket).replace("${AWS::Partition}", "aws")

    def ref(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
        name = loader.construct_scalar(node)
        return bucket if name == "Bucket" else name

    def arn(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
        return f"arn:aws:iam::123456789012:role/{loader.construct_scalar(node)}"

    Loader.add_constructor("!Sub", sub)
    Loader.add_constructor("!Ref", ref)
    Loader.add_constructor("!GetAtt", arn)
    return Loader

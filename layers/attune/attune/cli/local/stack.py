"""The stack in the local cloud: built and deployed by `sam`, as on AWS."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from attune.cli.local.environment import REGION, sam_environment
from attune.cli.local.errors import StepFailed
from attune.cli.local.files import CloudFiles, ProjectFiles
from attune.cli.local.outputs import StackOutputs, local_api_url
from attune.cli.local.progress import Progress
from attune.cli.local.sam import run_sam

STACK_NAME = "attune"
_ARTIFACTS = "attune-artifacts"
_DEPLOYED = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
BUILD_PARAMETERS = ("Runtime", "Architecture")


def local_client(service: str, endpoint: str) -> Any:
    """A boto3 client for the local cloud; no environment and no profile comes into it."""
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 (MiniStack takes anything)
        config=Config(retries={"total_max_attempts": 2}, proxies={}),
    )


@dataclass(frozen=True, slots=True)
class Stack:
    """Our stack in the local cloud at ``endpoint``."""

    endpoint: str
    project: ProjectFiles
    files: CloudFiles
    progress: Progress

    def outputs(self) -> StackOutputs | None:
        """Of the deployed stack; None if there is none, or its last update failed or is under way."""
        stack = self._describe()
        if stack is None or stack["StackStatus"] not in _DEPLOYED:
            return None
        try:
            outputs = StackOutputs.from_stack(stack)
        except KeyError:  # deployed by another version of the template
            return None
        return replace(outputs, api_url=local_api_url(outputs.api_url, self.endpoint))

    def deploy(self, parameters: Mapping[str, str]) -> StackOutputs:
        """Build and deploy. Raises StepFailed or NoNetwork."""
        with self._lock():
            with self.progress.step("Building the functions and layers (sam build)") as update:
                self._build(parameters, update)
            with self.progress.step("Deploying the stack (sam deploy)") as update:
                self._deploy(parameters, update)
                self._repair_concurrency()
        outputs = self.outputs()
        if outputs is None:
            raise StepFailed("sam deploy", "the stack lacks outputs that the template declares", self.files.deploy_log)
        return outputs

    def _build(self, parameters: Mapping[str, str], update: Any) -> None:
        overrides = [f"{name}={parameters[name]}" for name in BUILD_PARAMETERS]
        arguments = ["build", "--cached", "--cache-dir", str(self.project.build_cache)]
        arguments += ["--build-dir", str(self.project.build), "--template-file", str(self.project.template)]
        arguments += ["--config-env", "local", "--parameter-overrides", *overrides]
        constraints = {"PIP_CONSTRAINT": str(self.project.constraints)} if self.project.constraints.exists() else {}
        env = sam_environment(self.endpoint, constraints)
        run_sam("sam build", arguments, cwd=self.project.project, env=env, log=self.files.build_log, update=update)

    def _deploy(self, parameters: Mapping[str, str], update: Any) -> None:
        self._clear_failed_creation()
        local_client("s3", self.endpoint).create_bucket(Bucket=_ARTIFACTS)  # no error if it's there
        overrides = [f"{name}={value}" for name, value in parameters.items()]
        arguments = ["deploy", "--template-file", str(self.project.build / "template.yaml")]
        arguments += ["--stack-name", STACK_NAME, "--s3-bucket", _ARTIFACTS, "--capabilities", "CAPABILITY_IAM"]
        arguments += ["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"]
        arguments += ["--config-env", "local", "--region", REGION, "--parameter-overrides", *overrides]
        env = sam_environment(self.endpoint, {})
        try:
            run_sam(
                "sam deploy", arguments, cwd=self.project.project, env=env, log=self.files.deploy_log, update=update
            )
        except StepFailed as error:
            reason = self._failed_resource()
            raise (StepFailed("sam deploy", reason, self.files.deploy_log) if reason else error) from None

    def _describe(self) -> dict[str, Any] | None:
        try:
            stacks = local_client("cloudformation", self.endpoint).describe_stacks(StackName=STACK_NAME)["Stacks"]
        except ClientError:  # "does not exist"
            return None
        return stacks[0] if stacks else None

    def _clear_failed_creation(self) -> None:
        """A stack whose creation failed can't be updated, only deleted."""
        stack = self._describe()
        if stack and stack["StackStatus"] in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}:
            client = local_client("cloudformation", self.endpoint)
            client.delete_stack(StackName=STACK_NAME)
            client.get_waiter("stack_delete_complete").wait(StackName=STACK_NAME, WaiterConfig={"Delay": 1})

    def _failed_resource(self) -> str | None:
        """The first resource of the last deployment that failed, and why; CloudFormation lists the newest first."""
        client = local_client("cloudformation", self.endpoint)
        try:
            events = client.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
        except ClientError:
            return None
        failed = [e for e in events if e["ResourceStatus"] in {"CREATE_FAILED", "UPDATE_FAILED"}]
        return f"{failed[-1]['LogicalResourceId']}: {failed[-1].get('ResourceStatusReason', '')}" if failed else None

    def _repair_concurrency(self) -> None:
        """Make the mappings' MaximumConcurrency a number.

        MiniStack (1.5) keeps what a parameter of type Number gives as text, and its poller then fails on it.
        """
        client = local_client("lambda", self.endpoint)
        for mapping in client.list_event_source_mappings()["EventSourceMappings"]:
            if limit := mapping.get("ScalingConfig", {}).get("MaximumConcurrency"):
                client.update_event_source_mapping(
                    UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": int(limit)}
                )

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.project.root.mkdir(parents=True, exist_ok=True)
        with self.project.build_lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

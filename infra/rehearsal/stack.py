"""template.yaml, deployed: what `sam deploy` does, and what infra/README.md has an operator do."""

import json
import platform
import re
import sys
from pathlib import Path

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra" / "checks"))

from agreement import FUNCTIONS
from processes import REGION
from translation import parameters, translate

NAME = "podio-lifecycle"
BUCKET = "packages"
TEMPLATE = "template.json"
SECRET = "Secret"
PATIENCE = {"Delay": 1, "MaxAttempts": 120}
# What stays when the stack goes.
RETAINED = ("StateTable", "CredentialsTable", "EvidenceTable", "CredentialsKey", SECRET)


BATCHED = {"sqs:SendMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"}


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms."""


def short_form(loader, tag, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


Loader.add_multi_constructor("!", short_form)


def as_ministack_reads(policies):
    """Says to ministack what AWS understands without: the batch form of an action is allowed with the action, and to
    refer to a secret is to name its ARN."""
    for statement in (each for policy in policies for each in policy["PolicyDocument"]["Statement"]):
        if isinstance(statement["Action"], list):
            statement["Action"] += [f"{action}Batch" for action in statement["Action"] if action in BATCHED]
        if statement["Resource"] == {"Ref": SECRET}:
            statement["Resource"] = {"Fn::GetAtt": [SECRET, "Id"]}


class Stack:
    """The stack in the AWS at `url`."""

    def __init__(self, url, packages, **given):
        self.url = url
        self.packages = packages
        machine = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
        self.given = {"Architecture": machine} | given
        self.template = yaml.load((ROOT / "template.yaml").read_text("utf-8"), Loader)

    def client(self, service):
        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION,
            # The account's root, who alone may do all that a deployment does.
            aws_access_key_id="test", aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def upload(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        for name, package in self.packages.items():
            s3.put_object(Bucket=BUCKET, Key=f"{name}.zip", Body=package)

    def body(self):
        packages = {logical: f"s3://{BUCKET}/{binary}.zip" for binary, logical in FUNCTIONS.items()}
        plain = translate(self.template, self.given, packages)
        for resource in plain["Resources"].values():
            if resource["Type"] == "AWS::IAM::Role":
                as_ministack_reads(resource["Properties"]["Policies"])
        return json.dumps(plain)

    def create(self):
        self.deploy("create")

    def update(self, **given):
        """Deploys it again with other parameters."""
        self.given |= given
        self.deploy("update")

    def deploy(self, how):
        names = self.template["Parameters"]
        values = parameters(self.template, self.given)
        cloudformation = self.client("cloudformation")
        # As `sam deploy` does: a request takes 51,200 bytes, an object in S3 a million.
        self.client("s3").put_object(Bucket=BUCKET, Key=TEMPLATE, Body=self.body().encode())
        getattr(cloudformation, f"{how}_stack")(
            StackName=NAME, TemplateURL=f"{self.url}/{BUCKET}/{TEMPLATE}", Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": name, "ParameterValue": str(values[name])} for name in names],
        )
        try:
            cloudformation.get_waiter(f"stack_{how}_complete").wait(StackName=NAME, WaiterConfig=PATIENCE)
        except WaiterError:
            raise RuntimeError("\n".join(["the stack does not deploy", *self.failures()])) from None

    def failures(self):
        events = self.client("cloudformation").describe_stack_events(StackName=NAME)["StackEvents"]
        return [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
            for event in events if event["ResourceStatus"].endswith("FAILED")
        ]

    def outputs(self):
        stack = self.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def resource(self, logical):
        answer = self.client("cloudformation").describe_stack_resource(StackName=NAME, LogicalResourceId=logical)
        return answer["StackResourceDetail"]["PhysicalResourceId"]

    def routes(self):
        """Method and path of each route of the template, with its function."""
        for logical in ("ApiFunction", "HooksFunction", "ScimFunction"):
            for event in self.template["Resources"][logical]["Properties"]["Events"].values():
                yield event["Properties"]["Method"], event["Properties"]["Path"], logical

    def open_doors(self):
        """ministack leaves out what the events of an HTTP API become: integrations and routes, made here."""
        api = self.client("apigatewayv2")
        id = self.resource("Api")
        there = {route["RouteKey"] for route in api.get_routes(ApiId=id)["Items"]}
        integrations = {}
        for method, path, logical in self.routes():
            if f"{method} {path}" in there:
                continue
            if logical not in integrations:
                integration = api.create_integration(
                    ApiId=id, IntegrationType="AWS_PROXY", PayloadFormatVersion="2.0",
                    IntegrationUri=self.client("lambda").get_function(FunctionName=self.resource(logical))
                    ["Configuration"]["FunctionArn"])
                integrations[logical] = integration["IntegrationId"]
            api.create_route(ApiId=id, RouteKey=f"{method} {path}", Target=f"integrations/{integrations[logical]}")
        return f"{self.url}/_aws/execute-api/{id}/$default"

    def secret(self):
        answer = self.client("secretsmanager").get_secret_value(SecretId=self.outputs()["SecretArn"])
        return json.loads(answer["SecretString"])

    def fill_secret(self, **values):
        """As in the guide: what is there, with the values over it; returns the new version."""
        answer = self.client("secretsmanager").put_secret_value(
            SecretId=self.outputs()["SecretArn"], SecretString=json.dumps(self.secret() | values))
        return answer["VersionId"]

    def sweep(self):
        """Runs the sweep as its schedule does; whether it went well."""
        answer = self.client("lambda").invoke(FunctionName=self.resource("SweepFunction"), Payload=b"{}")
        return "FunctionError" not in answer

    def dead_letters(self):
        answer = self.client("sqs").get_queue_attributes(
            QueueUrl=self.outputs()["DeadLetterQueueUrl"], AttributeNames=["ApproximateNumberOfMessages"])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def logged(self):
        """Every line of every function's log."""
        logs = self.client("logs")
        for binary in FUNCTIONS:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{NAME}-{binary}")
            for event in (event for page in pages for event in page["events"]):
                yield binary, event["message"]

    def delete(self):
        cloudformation = self.client("cloudformation")
        self.kept = {logical: self.resource(logical) for logical in RETAINED}
        # By its id: a stack that is gone is no longer known by its name.
        stack = cloudformation.describe_stacks(StackName=NAME)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=NAME)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig=PATIENCE)

    def still_has(self, logical):
        """Whether what is to be kept is there when the stack is gone."""
        id = self.kept[logical]
        ask = {
            "StateTable": lambda: self.client("dynamodb").describe_table(TableName=id),
            "CredentialsTable": lambda: self.client("dynamodb").describe_table(TableName=id),
            "EvidenceTable": lambda: self.client("dynamodb").describe_table(TableName=id),
            "CredentialsKey": lambda: self.client("kms").describe_key(KeyId=id),
            SECRET: lambda: self.client("secretsmanager").get_secret_value(SecretId=id),
        }
        try:
            ask[logical]()
            return True
        except ClientError:
            return False

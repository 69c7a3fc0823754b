"""A Lambda function that records its events in a queue, for the tests of who invokes it."""

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

from aws.conftest import ACCOUNT, AwsEndpoint, create_role, eventually

RECORD = """
import json
import os
import boto3


def handler(event, context):
    queue = os.environ["QUEUE"]
    boto3.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(event))
"""


@dataclass(frozen=True, kw_only=True)
class RecordingFunction:
    """A deployed function and its queue.

    Attributes:
        endpoint: the endpoint.
        arn: the function.
        queue: the queue's URL.
    """

    endpoint: AwsEndpoint
    arn: str
    queue: str

    @classmethod
    def create(cls, endpoint: AwsEndpoint, name: str, code: str = RECORD) -> "RecordingFunction":
        """Deploy a function that nobody may invoke yet; its code defines `handler`."""
        queue = endpoint.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("index.py", code)
        created = endpoint.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=create_role(endpoint, f"function-{name}", "lambda.amazonaws.com", []),
            Handler="index.handler",
            Code={"ZipFile": archive.getvalue()},
            Environment={"Variables": {"QUEUE": queue}},
            Timeout=20,
        )
        return cls(endpoint=endpoint, arn=created["FunctionArn"], queue=queue)

    def allow(self, principal: str, **condition: str) -> None:
        """Let a service of this account invoke the function."""
        self.endpoint.client("lambda").add_permission(
            FunctionName=self.arn,
            StatementId=principal.partition(".")[0],
            Action="lambda:InvokeFunction",
            Principal=principal,
            **(condition or {"SourceAccount": ACCOUNT}),
        )

    def forbid(self, principal: str) -> None:
        """Undo `allow`."""
        self.endpoint.client("lambda").remove_permission(
            FunctionName=self.arn, StatementId=principal.partition(".")[0]
        )

    def events(self) -> list[Any]:
        """Take the events that the function has recorded, oldest first."""
        sqs, events = self.endpoint.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=self.queue).get("Messages", []):
            for message in messages:
                events.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return events

    def wait_for_events(self, number: int) -> list[Any]:
        """Wait until the function has recorded a number of events, and take them."""
        found: list[Any] = []

        def enough() -> bool:
            found.extend(self.events())
            return len(found) >= number

        eventually(enough)
        return found

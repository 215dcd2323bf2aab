"""Asks backends what this project relies on, and prints a Markdown table of what each does (docs/local-backends.md).

    compare-backends.py NAME=DYNAMODB_URL[,SQS_URL] ...

Needs boto3; scripts/python-tools emulator has it. It makes a table and two queues with names of its own, and removes them.
"""

import sys
import time
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

AWS = "AWS, by its documentation"
ROWS = {}


def row(name, expected):
    """Declares a row: a function that finds out, and what AWS does."""

    def declare(ask):
        ROWS[name] = (expected, ask)
        return ask

    return declare


def code(call, **arguments):
    try:
        call(**arguments)
        return "accepted"
    except ClientError as error:
        return error.response["Error"]["Code"]


class Table:
    """A table with a stream and an index, and one item: k=a, n=1."""

    def __init__(self, url):
        options = {"endpoint_url": url, "region_name": "us-east-1", "config": Config(retries={"total_max_attempts": 1})}
        self.api, self.streams = boto3.client("dynamodb", **options), boto3.client("dynamodbstreams", **options)
        self.name = f"compare-{uuid.uuid4().hex[:8]}"
        self.api.create_table(
            TableName=self.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("k", "g")],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[
                {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self.api.get_waiter("table_exists").wait(TableName=self.name, WaiterConfig={"Delay": 1})
        self.api.put_item(TableName=self.name, Item={"k": {"S": "a"}, "n": {"N": "1"}})

    def update(self, key="a", **more):
        return {
            "TableName": self.name,
            "Key": {"k": {"S": key}},
            "UpdateExpression": "SET n = :n",
            "ExpressionAttributeValues": {":n": {"N": "2"}},
            **more,
        }

    def records(self):
        arn = self.api.describe_table(TableName=self.name)["Table"]["LatestStreamArn"]
        shards = self.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        found = []
        for shard in shards:
            iterator = self.streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
            found += self.streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
        return found


@row("a cancelled transaction tells a reason for each item, in order", "None, ConditionalCheckFailed")
def reasons(table, _):
    return cancelled(table)[0]


@row("and with ALL_OLD the item that is there", "yes")
def all_old(table, _):
    return "yes" if cancelled(table)[1].get("n") == {"N": "1"} else "no"


def cancelled(table):
    failing = table.update(ConditionExpression="n = :n", ReturnValuesOnConditionCheckFailure="ALL_OLD")
    try:
        table.api.transact_write_items(TransactItems=[{"Update": table.update("b")}, {"Update": failing}])
    except ClientError as error:
        found = error.response["CancellationReasons"]
        return ", ".join(reason["Code"] for reason in found), found[1].get("Item", {})
    return "not cancelled", {}


@row("a transaction of 101 items", "ValidationException")
def too_many(table, _):
    return code(table.api.transact_write_items, TransactItems=[{"Update": table.update(f"t{n}")} for n in range(101)])


@row("a transaction that is sent again with its token is done once", "yes")
def token(table, _):
    item = table.update("token", UpdateExpression="ADD n :n")
    for _ in range(2):
        table.api.transact_write_items(ClientRequestToken="once", TransactItems=[{"Update": item}])
    return "yes" if table.api.get_item(TableName=table.name, Key={"k": {"S": "token"}})["Item"]["n"] == {"N": "2"} else "no"


@row("write units told of a transaction of two small items", "4")
def transaction_units(table, _):
    answer = table.api.transact_write_items(
        ReturnConsumedCapacity="TOTAL", TransactItems=[{"Update": table.update("x")}, {"Update": table.update("y")}]
    )
    return number(answer.get("ConsumedCapacity", [{}])[0].get("CapacityUnits"))


@row("write units told of a put that also makes an index entry", "2")
def index_units(table, _):
    item = {"k": {"S": "indexed"}, "g": {"S": "g"}}
    answer = table.api.put_item(TableName=table.name, Item=item, ReturnConsumedCapacity="TOTAL")
    return number(answer.get("ConsumedCapacity", {}).get("CapacityUnits"))


@row("read units told of a consistent read; of an item that is missing, eventually", "1; 0.5")
def read_units(table, _):
    read = {"TableName": table.name, "ReturnConsumedCapacity": "TOTAL"}
    there = table.api.get_item(Key={"k": {"S": "a"}}, ConsistentRead=True, **read)
    missing = table.api.get_item(Key={"k": {"S": "none"}}, **read)
    return "; ".join(number(each.get("ConsumedCapacity", {}).get("CapacityUnits")) for each in (there, missing))


def number(units):
    return "nothing" if units is None else f"{units:g}"


@row("stream: twenty changes of one item come in order", "yes")
def stream_order(table, _):
    for n in range(20):
        table.api.update_item(**table.update("s", ExpressionAttributeValues={":n": {"N": str(n)}}))
    deadline, seen = time.time() + 10, []
    while len(seen) < 20 and time.time() < deadline:
        seen = [int(each["dynamodb"]["NewImage"]["n"]["N"]) for each in table.records() if each["dynamodb"]["Keys"]["k"]["S"] == "s"]
    return "yes" if seen == list(range(20)) else f"no: {seen}"


@row("stream: an update that changes nothing leaves no record", "yes")
def stream_unchanged(table, _):
    for _ in range(2):
        table.api.update_item(**table.update("u"))
    table.api.update_item(**table.update("end"))
    deadline, keys = time.time() + 10, []
    while "end" not in keys and time.time() < deadline:
        keys = [each["dynamodb"]["Keys"]["k"]["S"] for each in table.records()]
    return "yes" if keys.count("u") == 1 else f"no: {keys.count('u')} records"


class Queues:
    """A queue whose messages hide for a second, and move to a dead-letter queue after two receives."""

    def __init__(self, url):
        self.api = boto3.client("sqs", endpoint_url=url, region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}))
        name = f"compare-{uuid.uuid4().hex[:8]}"
        self.dead = self.api.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        arn = self.api.get_queue_attributes(QueueUrl=self.dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":2}}'
        self.url = self.api.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "1", "RedrivePolicy": redrive})["QueueUrl"]

    def receive(self, url=None, wait=0):
        answer = self.api.receive_message(
            QueueUrl=url or self.url, WaitTimeSeconds=wait, MessageSystemAttributeNames=["ApproximateReceiveCount"]
        )
        return (answer.get("Messages") or [None])[0]


@row("SQS: a message that was received hides, and comes again after its timeout, with a count", "yes")
def visibility(_, queues):
    queues.api.send_message(QueueUrl=queues.url, MessageBody="one")
    first, hidden, again = queues.receive(wait=5), queues.receive(), queues.receive(wait=5)
    counts = [each and each["Attributes"]["ApproximateReceiveCount"] for each in (first, hidden, again)]
    return "yes" if counts == ["1", None, "2"] else f"no: {counts}"


@row("SQS: after two receives it moves to the dead-letter queue", "yes")
def redrive(_, queues):
    deadline, dead = time.time() + 10, None
    while not dead and time.time() < deadline:
        time.sleep(0.2)
        if queues.receive():
            return "no: received a third time"
        dead = queues.receive(queues.dead)
    return "yes" if dead and dead["Body"] == "one" else "no"


@row("SQS: a visibility timeout of 0 brings a message back at once", "yes")
def shortened(_, queues):
    queues.api.set_queue_attributes(QueueUrl=queues.url, Attributes={"VisibilityTimeout": "600"})
    queues.api.send_message(QueueUrl=queues.url, MessageBody="two")
    message = queues.receive(wait=5)
    queues.api.change_message_visibility(QueueUrl=queues.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    return "yes" if queues.receive(wait=2) else "no"


@row("SQS: a batch of eleven", "TooManyEntriesInBatchRequest")
def batch(_, queues):
    entries = [{"Id": str(n), "MessageBody": "x"} for n in range(11)]
    return code(queues.api.send_message_batch, QueueUrl=queues.url, Entries=entries).removeprefix("AWS.SimpleQueueService.")


def ask(backend):
    name, _, urls = backend.partition("=")
    dynamodb, _, sqs = urls.partition(",")
    table, queues = Table(dynamodb), Queues(sqs) if sqs else None
    answers = {}
    for question, (_, answer) in ROWS.items():
        if question.startswith("SQS") and not queues:
            answers[question] = "-"
            continue
        try:
            answers[question] = answer(table, queues)
        except Exception as error:  # Whatever a backend does is what the table tells.
            answers[question] = f"fails: {error}".replace("\n", " ")[:80]
    table.api.delete_table(TableName=table.name)
    if queues:
        queues.api.delete_queue(QueueUrl=queues.url)
        queues.api.delete_queue(QueueUrl=queues.dead)
    return name, answers


def main():
    backends = [ask(backend) for backend in sys.argv[1:]]
    if not backends:
        raise SystemExit(__doc__)
    print("| | " + " | ".join([AWS] + [name for name, _ in backends]) + " |")
    print("|---" * (len(backends) + 2) + "|")
    for question, (expected, _) in ROWS.items():
        print(f"| {question} | {expected} | " + " | ".join(answers[question] for _, answers in backends) + " |")


main()

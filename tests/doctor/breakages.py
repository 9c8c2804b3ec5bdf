"""What somebody may do to a healthy stage, and how it is undone."""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import Plan
from tests.deployment.place import REGION, SOURCE_REGION, Place
from tests.doctor import healthy_stage

STATE, PARAMETERS = "aurora-restore-dev-state", "/aurora-restore/dev/"
INVOCATION = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")


class Changes:
    """Changes of one test, made through the APIs that anybody has.

    Each says itself how it is put back.
    """

    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"

    def __init__(self, place: Place) -> None:
        self.place = place
        self.checkout = healthy_stage.checkout_of(place)
        self.resources = place.resources
        self._mending: list[Callable[[], Any]] = []

    def client(self, service: str, region: str = REGION) -> Any:
        """Give a client that may do anything."""
        return self.place.clients(service, region)

    def source(self, service: str) -> Any:
        """Give such a client in the source's region."""
        return self.client(service, SOURCE_REGION)

    def afterwards(self, mend: Callable[..., Any], **parameters: Any) -> None:
        """Say how to put back what is changed; what is said last is done first."""
        self._mending.append(partial(mend, **parameters))

    def put_back(self) -> None:
        """Put everything back."""
        for mend in reversed(self._mending):
            mend()

    # --- settings and secrets ---

    def set_variables(self, **variables: str) -> None:
        """Set variables of the stage in its configuration."""
        self._configure(lambda stage: stage["environment_variables"].update(variables))

    def configure_network(self, **ids: list[str]) -> None:
        """Put `setup-db-users` elsewhere, in its configuration."""
        self._configure(lambda stage: stage["lambda_functions"]["setup-db-users"].update(ids))

    def _configure(self, change: Callable[[dict[str, Any]], None]) -> None:
        file = self.checkout / ".chalice" / "config.json"
        before = file.read_bytes()
        config = json.loads(before)
        change(config["stages"][healthy_stage.STAGE])
        file.write_text(json.dumps(config))
        self.afterwards(file.write_bytes, data=before)

    def set_parameters(self, values: Mapping[str, str]) -> None:
        """Set SSM parameters, by the name below the stage's path."""
        ssm = self.client("ssm")
        known = ssm.get_parameters_by_path(Path=PARAMETERS, Recursive=True)["Parameters"]
        before = {parameter["Name"]: parameter["Value"] for parameter in known}
        for name, value in values.items():
            path = f"{PARAMETERS}{name}"
            ssm.put_parameter(Name=path, Value=value, Type="String", Overwrite=True)
            if path in before:
                self.afterwards(
                    ssm.put_parameter, Name=path, Value=before[path], Type="String", Overwrite=True
                )
            else:
                self.afterwards(ssm.delete_parameter, Name=path)

    def put_secrets(self, master: Mapping[str, str], app: Mapping[str, str]) -> None:
        """Change fields of the two secrets."""
        secrets = self.client("secretsmanager")
        for name, value in (
            (healthy_stage.MASTER_SECRET, healthy_stage.MASTER_VALUE | dict(master)),
            (healthy_stage.APP_SECRET, healthy_stage.APP_VALUE | dict(app)),
        ):
            secrets.put_secret_value(SecretId=name, SecretString=json.dumps(value))
        self.afterwards(healthy_stage.put_secrets, place=self.place)

    # --- functions ---

    def lose_function(self, name: str) -> None:
        """Delete a function, with everything that hangs on it."""
        functions = self.client("lambda")
        one = functions.get_function_configuration(FunctionName=name)
        policy = json.loads(functions.get_policy(FunctionName=name)["Policy"])
        invocation = functions.get_function_event_invoke_config(FunctionName=name)
        tags = functions.list_tags(Resource=one["FunctionArn"])["Tags"]
        functions.delete_function(FunctionName=name)
        self.afterwards(
            functions.put_function_event_invoke_config,
            FunctionName=name,
            **{key: invocation[key] for key in INVOCATION},
        )
        for statement in policy["Statement"]:
            self.afterwards(
                functions.add_permission,
                FunctionName=name,
                StatementId=statement["Sid"],
                Action=statement["Action"],
                Principal=statement["Principal"]["Service"],
                SourceArn=statement["Condition"]["ArnLike"]["AWS:SourceArn"],
            )
        kept = (
            "FunctionName",
            "Runtime",
            "Role",
            "Handler",
            "Timeout",
            "MemorySize",
            "Environment",
        )
        self.afterwards(
            functions.create_function,
            **{key: one[key] for key in kept},
            Code={"ZipFile": self._package()},
            Tags=tags,
        )

    def replace_code(self, name: str, package: bytes) -> None:
        """Give a function other code."""
        functions = self.client("lambda")
        functions.update_function_code(FunctionName=name, ZipFile=package)
        self.afterwards(functions.update_function_code, FunctionName=name, ZipFile=self._package())

    def _package(self) -> bytes:
        """Read the zip that was deployed."""
        (package,) = (
            self.checkout / ".build" / healthy_stage.STAGE / ".chalice" / "deployments"
        ).glob("*.zip")
        return package.read_bytes()

    # --- stacks, the foundation, and keys ---

    def make_stack(self, name: str, *tables: str) -> None:
        """Begin a stack with some tables, however that ends."""
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName=name, TemplateBody=_tables(tables), Parameters=_stage_of(name)
        )
        self.afterwards(cloudformation.delete_stack, StackName=name)

    def change_stack(self, name: str, *tables: str) -> None:
        """Change a stack to other tables, however that ends."""
        self.client("cloudformation").update_stack(
            StackName=name, TemplateBody=_tables(tables), Parameters=_stage_of(name)
        )

    def disable(self, kms: Any, key_arn: str) -> None:
        """Disable a key."""
        key = key_arn.rpartition("/")[2]  # moto knows keys by their id alone here
        kms.disable_key(KeyId=key)
        self.afterwards(kms.enable_key, KeyId=key)

    def recover(self, table: str, *, on: bool) -> None:
        """Switch point-in-time recovery of a table."""
        self.client("dynamodb").update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on}
        )

    def set_topic(self, name: str, value: str) -> None:
        """Set an attribute of the topic."""
        sns = self.client("sns")
        before = sns.get_topic_attributes(TopicArn=healthy_stage.topic())["Attributes"][name]
        sns.set_topic_attributes(
            TopicArn=healthy_stage.topic(), AttributeName=name, AttributeValue=value
        )
        self.afterwards(
            sns.set_topic_attributes,
            TopicArn=healthy_stage.topic(),
            AttributeName=name,
            AttributeValue=before,
        )

    def keep_alarm(self, name: str) -> None:
        """Have an alarm put back as it is now."""
        cloudwatch = self.client("cloudwatch")
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        accepted = cloudwatch.meta.service_model.operation_model(
            "PutMetricAlarm"
        ).input_shape.members
        self.afterwards(
            cloudwatch.put_metric_alarm,
            **{key: value for key, value in alarm.items() if key in accepted},
        )

    # --- records ---

    def put_item(self, **item: Any) -> None:
        """Put an item into the table of operations."""
        dynamodb = self.client("dynamodb")
        decimal = json.loads(
            json.dumps(item), parse_float=Decimal
        )  # boto3 takes no other fractions
        spelt = {key: TypeSerializer().serialize(value) for key, value in decimal.items()}
        dynamodb.put_item(TableName=STATE, Item=spelt)
        self.afterwards(
            dynamodb.delete_item, TableName=STATE, Key={"operation_id": spelt["operation_id"]}
        )

    def put_operation(
        self,
        name: str,
        plan: Plan,
        *,
        due_at: datetime,
        since: datetime | None = None,
        state: State = State.SNAPSHOT_READY,
        **more: Any,
    ) -> None:
        """Put the record of an open operation."""
        operation = Operation(
            operation_id=name,
            root_id=name,
            requested_by="a test",
            stage=plan.stage,
            plan_name=plan.name,
            plan=plan,
            state=state,
            created_at=since or due_at,
            entered_at=since or due_at,
            due_at=due_at,
            deadline=due_at,
            open="yes",
            **more,
        )
        self.put_item(**operation.to_item())

    # --- the network ---

    def new_group(self) -> str:
        """Make a security group in the VPC; it lets nobody in, and everything out."""
        ec2 = self.client("ec2")
        group = ec2.create_security_group(
            GroupName="of-a-test", Description="of a test", VpcId=self.vpc
        )["GroupId"]
        self.afterwards(ec2.delete_security_group, GroupId=group)
        return str(group)

    def let_in(self, group: str, port: int) -> None:
        """Let the function's group into another, on one port."""
        pair = {"UserIdGroupPairs": [{"GroupId": self.resources.security_group_id}]}
        self.client("ec2").authorize_security_group_ingress(
            GroupId=group,
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **pair}],
        )

    @property
    def vpc(self) -> str:
        """Name the VPC that everything is in."""
        subnets = self.client("ec2").describe_subnets(SubnetIds=list(self.resources.subnet_ids))[
            "Subnets"
        ]
        return str(subnets[0]["VpcId"])

    def shut(self) -> None:
        """Take the route to the NAT gateway away."""
        ec2, table = self.client("ec2"), healthy_stage.main_table(self.place)
        routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        (gateway,) = [route["NatGatewayId"] for route in routes if "NatGatewayId" in route]
        route = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}
        ec2.delete_route(**route)
        self.afterwards(ec2.create_route, **route, NatGatewayId=gateway)

    def make_endpoint(self, service: str, group: str) -> None:
        """Make an endpoint of a service in the VPC: DynamoDB's is a gateway, the others are
        interfaces with a group.
        """
        ec2, interface = self.client("ec2"), service != "dynamodb"
        how: dict[str, Any] = (
            {
                "SubnetIds": list(self.resources.subnet_ids),
                "SecurityGroupIds": [group],
                "PrivateDnsEnabled": True,
            }
            if interface
            else {"RouteTableIds": [healthy_stage.main_table(self.place)]}
        )
        made = ec2.create_vpc_endpoint(
            VpcId=self.vpc,
            ServiceName=f"com.amazonaws.{REGION}.{service}",
            VpcEndpointType="Interface" if interface else "Gateway",
            **how,
        )
        self.afterwards(
            ec2.delete_vpc_endpoints, VpcEndpointIds=[made["VpcEndpoint"]["VpcEndpointId"]]
        )


def _tables(names: tuple[str, ...]) -> str:
    """Write a template of tables."""
    key: dict[str, Any] = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    resources = {
        f"Table{number}": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": name, **key}}
        for number, name in enumerate(names)
    }
    stage = {"Stage": {"Type": "String"}}
    return json.dumps(
        {"AWSTemplateFormatVersion": "2010-09-09", "Parameters": stage, "Resources": resources}
    )


def _stage_of(stack: str) -> list[dict[str, str]]:
    """Give the parameter by which a stack is known to be a stage's."""
    return [{"ParameterKey": "Stage", "ParameterValue": stack.split("-")[2]}]

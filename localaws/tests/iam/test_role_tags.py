"""The tags of a role, as ListRoleTags gives them (IAM API reference)."""

import json

import pytest
from botocore.exceptions import ClientError
from localaws.clients import EndpointClients
from localaws.server import Server

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


def test_the_tags_of_a_role_are_sorted_and_paged(tmp_path_factory: pytest.TempPathFactory) -> None:
    """ListRoleTags gives a role's tags by key, in pages; ListRoles gives none, and a missing role
    has none.
    """
    server = Server(0, tmp_path_factory.mktemp("localaws"))
    server.start()
    iam = EndpointClients(server.endpoint)("iam", "us-west-2")
    iam.create_role(RoleName="tagged", AssumeRolePolicyDocument=TRUST)
    tags = [{"Key": key, "Value": "1/2"} for key in ("stage", "home", "source")]
    iam.tag_role(RoleName="tagged", Tags=tags)
    pages = [
        [tag["Key"] for tag in page["Tags"]]
        for page in iam.get_paginator("list_role_tags").paginate(
            RoleName="tagged", PaginationConfig={"PageSize": 2}
        )
    ]
    (listed,) = iam.list_roles()["Roles"]
    with pytest.raises(ClientError) as refused:
        iam.list_role_tags(RoleName="none")
    server.stop()

    assert [["home", "source"], ["stage"]] == pages
    assert "Tags" not in listed
    assert "NoSuchEntity" == refused.value.response["Error"]["Code"]

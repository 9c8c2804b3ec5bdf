"""What localaws answers: the calls of each service.

Every other call is refused, whatever moto would answer.

moto answers far more: it keeps what it is told and does nothing about it. A call is listed here
when what it sets can be seen to have its effect, or when docs/localaws.md says what the effect
lacks.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

from localaws.protocols import RequestedCall

NOT_MODELLED_CODE: Final = "LocalAwsNotModelled"
EVERY: Final = frozenset({"*"})


def _calls(text: str) -> frozenset[str]:
    return frozenset(text.split())


CALLS: Final[Mapping[str, frozenset[str]]] = {
    "cloudformation": EVERY,  # ours: it names what it refuses by itself
    "cloudwatch": _calls("""
        DeleteAlarms DeleteDashboards DescribeAlarms DescribeAlarmsForMetric
        DisableAlarmActions EnableAlarmActions GetDashboard GetMetricData
        GetMetricStatistics ListDashboards ListMetrics ListTagsForResource PutDashboard
        PutMetricAlarm PutMetricData TagResource UntagResource
    """),
    "dynamodb": _calls("""
        BatchGetItem BatchWriteItem CreateTable DeleteItem DeleteTable
        DescribeContinuousBackups DescribeEndpoints DescribeLimits DescribeTable
        DescribeTimeToLive GetItem ListTables ListTagsOfResource PutItem Query Scan
        TagResource TransactGetItems TransactWriteItems UntagResource
        UpdateContinuousBackups UpdateItem UpdateTable UpdateTimeToLive
    """),
    "dynamodbstreams": _calls("DescribeStream GetRecords GetShardIterator ListStreams"),
    "ec2": _calls("""
        Describe* AllocateAddress AssociateRouteTable AttachInternetGateway
        AuthorizeSecurityGroup* CreateInternetGateway CreateNatGateway
        CreateNetworkInterface CreateRoute CreateRouteTable CreateSecurityGroup CreateSubnet
        CreateTags CreateVpc CreateVpcEndpoint DeleteInternetGateway DeleteNatGateway
        DeleteNetworkInterface DeleteRoute DeleteRouteTable DeleteSecurityGroup DeleteSubnet
        DeleteTags DeleteVpc DeleteVpcEndpoints DetachInternetGateway DisassociateRouteTable
        ModifySecurityGroupRules ModifySubnetAttribute ModifyVpcAttribute ModifyVpcEndpoint
        ReleaseAddress ReplaceRoute ReplaceRouteTableAssociation RevokeSecurityGroup*
        UpdateSecurityGroupRuleDescriptions*
    """),
    "events": _calls("""
        CreateEventBus DeleteEventBus DeleteRule DescribeEventBus DescribeRule DisableRule
        EnableRule ListArchives ListEventBuses ListRuleNamesByTarget ListRules
        ListTagsForResource ListTargetsByRule PutEvents PutPermission PutRule PutTargets
        RemovePermission RemoveTargets TagResource TestEventPattern UntagResource
    """),
    "iam": _calls("""
        AddRoleToInstanceProfile AddUserToGroup AttachGroupPolicy AttachRolePolicy
        AttachUserPolicy CreateAccessKey CreateAccountAlias CreateGroup
        CreateInstanceProfile CreatePolicy CreatePolicyVersion CreateRole
        CreateServiceLinkedRole CreateUser DeleteAccessKey DeleteAccountAlias DeleteGroup
        DeleteGroupPolicy DeleteInstanceProfile DeletePolicy DeletePolicyVersion DeleteRole
        DeleteRolePolicy DeleteServiceLinkedRole DeleteUser DeleteUserPolicy
        DetachGroupPolicy DetachRolePolicy DetachUserPolicy GetAccountAuthorizationDetails
        GetAccountSummary GetGroup GetGroupPolicy GetInstanceProfile GetPolicy
        GetPolicyVersion GetRole GetRolePolicy GetServiceLinkedRoleDeletionStatus GetUser
        GetUserPolicy ListAccessKeys ListAccountAliases ListAttachedGroupPolicies
        ListAttachedRolePolicies ListAttachedUserPolicies ListEntitiesForPolicy
        ListGroupPolicies ListGroups ListGroupsForUser ListInstanceProfiles
        ListInstanceProfilesForRole ListPolicies ListPolicyTags ListPolicyVersions
        ListRolePolicies ListRoleTags ListRoles ListUserPolicies ListUserTags ListUsers
        PutGroupPolicy PutRolePolicy PutUserPolicy RemoveRoleFromInstanceProfile
        RemoveUserFromGroup SetDefaultPolicyVersion TagInstanceProfile TagPolicy TagRole
        TagUser UntagInstanceProfile UntagPolicy UntagRole UntagUser UpdateAccessKey
        UpdateAssumeRolePolicy UpdateGroup UpdateRole UpdateRoleDescription UpdateUser
    """),
    "kms": _calls("""
        CancelKeyDeletion CreateAlias CreateGrant CreateKey Decrypt DeleteAlias DescribeKey
        DisableKey DisableKeyRotation EnableKey EnableKeyRotation Encrypt GenerateDataKey
        GenerateDataKeyWithoutPlaintext GenerateMac GenerateRandom GetKeyPolicy
        GetKeyRotationStatus GetPublicKey ListAliases ListGrants ListKeyPolicies ListKeys
        ListResourceTags ListRetirableGrants PutKeyPolicy ReEncrypt ReplicateKey RetireGrant
        RevokeGrant ScheduleKeyDeletion Sign TagResource UntagResource UpdateAlias
        UpdateKeyDescription Verify VerifyMac
    """),
    "lambda": _calls("""
        AddPermission CreateFunction DeleteFunction DeleteFunctionConcurrency
        DeleteFunctionEventInvokeConfig GetFunction GetFunctionCodeSigningConfig
        GetFunctionConcurrency GetFunctionConfiguration GetFunctionEventInvokeConfig
        GetPolicy Invoke ListAliases ListEventSourceMappings ListFunctionEventInvokeConfigs
        ListFunctions ListLayers ListTags ListVersionsByFunction PutFunctionConcurrency
        PutFunctionEventInvokeConfig RemovePermission TagResource UntagResource
        UpdateFunctionCode UpdateFunctionConfiguration
    """),
    "logs": _calls("""
        CreateLogGroup CreateLogStream DeleteLogGroup DeleteLogStream DeleteRetentionPolicy
        DescribeLogGroups DescribeLogStreams DescribeMetricFilters
        DescribeSubscriptionFilters FilterLogEvents GetLogEvents ListTagsForResource
        ListTagsLogGroup PutLogEvents PutRetentionPolicy TagLogGroup TagResource
        UntagLogGroup UntagResource
    """),
    "rds": EVERY,  # ours: it names what it refuses by itself
    "route53": _calls("""
        ChangeResourceRecordSets ChangeTagsForResource CreateHostedZone DeleteHostedZone
        GetChange GetHostedZone GetHostedZoneCount ListHostedZones ListHostedZonesByName
        ListResourceRecordSets ListTagsForResource ListTagsForResources
    """),
    "s3": _calls("""
        AbortMultipartUpload CompleteMultipartUpload CopyObject CreateBucket
        CreateMultipartUpload DeleteBucket DeleteBucketEncryption DeleteBucketLifecycle
        DeleteBucketOwnershipControls DeleteBucketPolicy DeleteBucketTagging DeleteObject
        DeleteObjectTagging DeleteObjects DeletePublicAccessBlock GetBucketAcl
        GetBucketEncryption GetBucketLifecycleConfiguration GetBucketLocation
        GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus GetBucketTagging
        GetBucketVersioning GetObject GetObjectAcl GetObjectAttributes GetObjectTagging
        GetPublicAccessBlock HeadBucket HeadObject ListBuckets ListMultipartUploads
        ListObjectVersions ListObjects ListObjectsV2 ListParts PutBucketEncryption
        PutBucketLifecycleConfiguration PutBucketOwnershipControls PutBucketPolicy
        PutBucketTagging PutBucketVersioning PutObject PutObjectTagging PutPublicAccessBlock
        UploadPart UploadPartCopy
    """),
    "secretsmanager": _calls("""
        BatchGetSecretValue CreateSecret DeleteResourcePolicy DeleteSecret DescribeSecret
        GetRandomPassword GetResourcePolicy GetSecretValue ListSecretVersionIds ListSecrets
        PutResourcePolicy PutSecretValue RestoreSecret TagResource UntagResource
        UpdateSecret UpdateSecretVersionStage
    """),
    "sns": _calls("""
        AddPermission ConfirmSubscription CreateTopic DeleteTopic GetSubscriptionAttributes
        GetTopicAttributes ListSubscriptions ListSubscriptionsByTopic ListTagsForResource
        ListTopics Publish PublishBatch RemovePermission SetSubscriptionAttributes
        SetTopicAttributes Subscribe TagResource Unsubscribe UntagResource
    """),
    "sqs": _calls("""
        AddPermission ChangeMessageVisibility ChangeMessageVisibilityBatch CreateQueue
        DeleteMessage DeleteMessageBatch DeleteQueue GetQueueAttributes GetQueueUrl
        ListDeadLetterSourceQueues ListQueueTags ListQueues PurgeQueue ReceiveMessage
        RemovePermission SendMessage SendMessageBatch SetQueueAttributes TagQueue UntagQueue
    """),
    "ssm": _calls("""
        AddTagsToResource DeleteParameter DeleteParameters DescribeParameters GetParameter
        GetParameterHistory GetParameters GetParametersByPath LabelParameterVersion
        ListTagsForResource PutParameter RemoveTagsFromResource UnlabelParameterVersion
    """),
    "sts": _calls("AssumeRole GetAccessKeyInfo GetCallerIdentity GetSessionToken"),
}
"""The calls of each service, by botocore's names; `*` stands for any characters."""

_NO_ARCHIVE: Final = "Nothing is archived or replayed here."
_NO_HTTP: Final = "Nothing is sent to HTTP endpoints from here."
_NO_LAYERS: Final = "Put everything into the function's own package."
_NO_VERSIONS: Final = "Functions have one version here, $LATEST."
_NO_BACKUPS: Final = "Tables are neither backed up nor restored here."
_NO_MACHINES: Final = "Nothing runs in its networks here."

REASONS: Final[Mapping[tuple[str, str], str]] = {
    ("cloudwatch", "PutCompositeAlarm"): "Alarms are kept here, not evaluated.",
    (
        "cloudwatch",
        "SetAlarmState",
    ): "Alarms are kept here, not evaluated, and their actions are not done.",
    ("dynamodb", "CreateBackup"): _NO_BACKUPS,
    ("dynamodb", "ExecuteStatement"): "Use GetItem, Query and UpdateItem.",
    ("dynamodb", "ExportTableToPointInTime"): _NO_BACKUPS,
    ("dynamodb", "RestoreTableFromBackup"): _NO_BACKUPS,
    ("dynamodb", "RestoreTableToPointInTime"): _NO_BACKUPS,
    ("ec2", "RunInstances"): _NO_MACHINES,
    ("events", "CreateApiDestination"): _NO_HTTP,
    ("events", "CreateArchive"): _NO_ARCHIVE,
    ("events", "CreateConnection"): _NO_HTTP,
    (
        "events",
        "CreateEndpoint",
    ): "Global endpoints fail over between regions; there is one machine.",
    ("events", "CreatePartnerEventSource"): "There are no partners.",
    ("events", "PutPartnerEvents"): "There are no partners.",
    ("events", "StartReplay"): _NO_ARCHIVE,
    ("iam", "PutRolePermissionsBoundary"): "Only the policies of a role limit it here.",
    ("lambda", "CreateAlias"): _NO_VERSIONS,
    ("lambda", "CreateEventSourceMapping"): (
        "Nothing polls queues or streams here; let an EventBridge rule invoke the function."
    ),
    ("lambda", "CreateFunctionUrlConfig"): "Functions have no URLs here; use Invoke.",
    ("lambda", "InvokeAsync"): "AWS has deprecated it; use Invoke with InvocationType=Event.",
    ("lambda", "InvokeWithResponseStream"): "Use Invoke.",
    ("lambda", "PublishLayerVersion"): _NO_LAYERS,
    ("lambda", "PublishVersion"): _NO_VERSIONS,
    ("lambda", "UpdateFunctionEventInvokeConfig"): "Put the whole config instead.",
    ("logs", "PutMetricFilter"): "Metrics come from PutMetricData only.",
    ("logs", "PutSubscriptionFilter"): "Log events are delivered nowhere from here.",
    ("logs", "StartQuery"): "Use FilterLogEvents.",
    ("route53", "CreateHealthCheck"): "Nobody looks at the health of anything here.",
    ("route53", "TestDNSAnswer"): "No name is resolved here; use ListResourceRecordSets.",
    ("s3", "PutBucketNotificationConfiguration"): "Buckets send no events here.",
    ("s3", "PutBucketReplication"): "Objects stay in one bucket here.",
    ("secretsmanager", "RotateSecret"): "Nothing is rotated here; use PutSecretValue.",
    ("ssm", "SendCommand"): _NO_MACHINES,
    ("sts", "AssumeRoleWithWebIdentity"): "There are no identity providers here; use AssumeRole.",
}
"""Why a call is refused that people may expect, or what to use in its place."""

_NO_BOUNDARY: Final = "Only the policies of a role limit it here."
_NO_REPLICA: Final = "It stays in one region here."
_NO_TELEPHONES: Final = "Publish to a topic."

PARAMETERS: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    ("dynamodb", "CreateTable"): {
        "ResourcePolicy": "Only the policies of roles are looked at here."
    },
    ("dynamodb", "UpdateTable"): {"ReplicaUpdates": _NO_REPLICA},
    ("events", "CreateEventBus"): {
        "DeadLetterConfig": "Give the targets of its rules dead-letter queues.",
        "EventSourceName": "There are no partners.",
        "LogConfig": "Buses have no logs here.",
    },
    ("iam", "CreateRole"): {"PermissionsBoundary": _NO_BOUNDARY},
    ("iam", "CreateUser"): {"PermissionsBoundary": _NO_BOUNDARY},
    ("kms", "CreateKey"): {"CustomKeyStoreId": "There are no other key stores here."},
    ("secretsmanager", "CreateSecret"): {"AddReplicaRegions": _NO_REPLICA},
    ("sns", "Publish"): {"PhoneNumber": _NO_TELEPHONES, "TargetArn": _NO_TELEPHONES},
    ("ssm", "PutParameter"): {"Policies": "Parameters do not expire here."},
}
"""Parameters of answered calls that moto would accept and forget: why they are refused."""

SERVICES: Final[Mapping[str, str]] = {
    "backup": "Use the snapshots of rds.",
    "pi": "Performance is not measured here.",
    "rds-data": "Connect to the cluster's endpoint with a PostgreSQL client.",
    "scheduler": "Use a rule of events with ScheduleExpression='rate(…)'.",
    "servicequotas": "The quotas of rds are in its DescribeAccountAttributes.",
    "states": "Nothing runs state machines here.",
    "tagging": "Ask each service for the tags of its own resources.",
}
"""What to use in place of services that people may expect, by the names in their signatures."""


def refusal_of(wanted: RequestedCall) -> str | None:
    """Say why a call is refused, in a sentence or two; None for a call that is answered."""
    service, operation = wanted.service, wanted.operation
    if not service:
        return "localaws answers signed requests only." if operation else None
    if service not in CALLS:
        instead = SERVICES.get(service, f"It answers {', '.join(CALLS)}.")
        return f"localaws does not model the service {service}. {instead}"
    if any(fnmatchcase(operation, call) for call in CALLS[service]):
        return _parameter_refused(wanted)
    what = f"{operation} of {service}" if operation else f"this request to {service}"
    return f"localaws does not model {what}. {REASONS.get((service, operation), '')}".rstrip()


def _parameter_refused(wanted: RequestedCall) -> str | None:
    refused = PARAMETERS.get((wanted.service, wanted.operation), {})
    for name in refused.keys() & (wanted.parameters() if refused else set()):
        return f"localaws does not model {name} of {wanted.operation}. {refused[name]}"
    return None

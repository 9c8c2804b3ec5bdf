"""The operation records, the trail and the targets, in DynamoDB. Imports `flow` and `aws`."""

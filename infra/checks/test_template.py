"""The checks find what they are there to find: each mistake below is planted in the real template.

`python -m unittest discover infra/checks`
"""

import unittest

import template

TEXT = (template.ROOT / "template.yaml").read_text(encoding="utf-8")

# What is planted: a text, what stands in its place, and a word of the finding.
OF_CLOUDFORMATION = {
    "messages visible while the worker still works": ("VisibilityTimeout: 360", "VisibilityTimeout: 30", "E3505"),
    "a batch that Lambda refuses": ("BatchSize: 10", "BatchSize: 20000", "20000"),
    "a concurrency that SQS refuses": ("MaximumConcurrency: 2", "MaximumConcurrency: 1", "translated:"),
    "a misspelt response type": ("[ReportBatchItemFailures]", "[ReportBatchItemFailure]", "ReportBatchItemFailure"),
    "a parameter that is not there": ("!Ref QuotaLimit", "!Ref QuotaLimits", "QuotaLimits"),
}
OUR_OWN = {
    "messages visible too soon": ("VisibilityTimeout: 360", "VisibilityTimeout: 90", "six times"),
    "attempts lost while they run": ("Default: 90, MinValue: 75", "Default: 90, MinValue: 60", "count as lost"),
    "patience that nobody has": ("MinValue: 75, MaxValue: 90", "MinValue: 75, MaxValue: 300", "no more patience than 90"),
    "no partial batches": ("FunctionResponseTypes: [ReportBatchItemFailures]", "Enabled: true", "fail its batch"),
    "another index": ("IndexName: due", "IndexName: overdue", "overdue"),
    "a work table that does not say what a job needs": (
        "{ProjectionType: INCLUDE, NonKeyAttributes: [work]}",
        "{ProjectionType: KEYS_ONLY}",
        "indexes are",
    ),
    "another TTL attribute": ("AttributeName: expires_at", "AttributeName: ttl", "expires_at"),
    "evidence that goes with the stack": ("DeletionPolicy: Retain", "DeletionPolicy: Delete", "StateTable"),
    "a role that may do anything": ("[sqs:SendMessage], Resource: !GetAtt Jobs.Arn", '["sqs:*"], Resource: "*"', "sqs:*"),
    "a door that may read the secret": (
        "[sqs:SendMessage], Resource: !GetAtt Jobs.Arn",
        "[secretsmanager:GetSecretValue], Resource: !Ref Secret",
        "api comes near",
    ),
    "a door that may write evidence": (
        "[dynamodb:GetItem, dynamodb:Query], Resource: !GetAtt EvidenceTable.Arn",
        "[dynamodb:GetItem, dynamodb:PutItem], Resource: !GetAtt EvidenceTable.Arn",
        "api may write evidence",
    ),
    "a door that is handed Podio's credential": (
        "SecretString:API_TOKENS:",
        "SecretString:PODIO_CLIENT_SECRET:",
        "another's name",
    ),
    "a variable that a function misses": ("QUEUE_URL: !Ref Jobs", "RUST_LOG: !Ref Jobs", "reads ['QUEUE_URL']"),
    "a variable that nobody reads": ("QUEUE_URL: !Ref Jobs", "QUEUE_URL: !Ref Jobs\n          EXTRA: x", "EXTRA"),
    "a worker that keeps the old secret": ("SECRET_VERSION: !Ref SecretVersionId", "", "worker would go on with the old"),
    "a role that lacks what a port does": ("dynamodb:BatchGetItem, ", "", "does not allow dynamodb:BatchGetItem"),
    "a role that may not use the index": ("${StateTable.Arn}/index/due", "${StateTable.Arn}/index/x", "table's index"),
    "a role that may not list by state": ("${StateTable.Arn}/index/states", "${StateTable.Arn}/index/x", "index of states"),
    "a role that may not read the work table": (
        '[!Sub "${StateTable.Arn}/index/work", !Sub "${StateTable.Arn}/index/due"]',
        '[!Sub "${StateTable.Arn}/index/due"]',
        "sweep calls dispatch(), but SweepRole does not allow dynamodb:Query on the state table's index of work",
    ),
    "a role that may not see who waits for a space": (
        "${StateTable.Arn}/index/space",
        "${StateTable.Arn}/index/x",
        "index of spaces",
    ),
    "a role that may not put jobs into it": (
        "Action: [dynamodb:GetItem, dynamodb:PutItem, dynamodb:UpdateItem]",
        "Action: [dynamodb:GetItem, dynamodb:PutItem]",
        "sweep calls put()",
    ),
    "an alarm that cannot ring": ("MetricName: ReturnedLeavers", "MetricName: Returned", "nobody writes"),
    "an alarm that the runbook does not know": ("  HeldAlarm:", "  HoldAlarm:", "says nothing of HoldAlarm"),
    "a metric that the dashboard misses": ('["PodioLifecycle", "OtherCalls"],', "", "does not show OtherCalls"),
    "a dashboard that is no JSON": ('{"widgets": [', '{"widgets": {', "no JSON"),
    "a route that the code does not have": ("Path: /quota", "Path: /quotas", "/quotas"),
    "a route that API Gateway refuses": ("Method: ANY, Path: /health", "Method: GET, Path: /health", "leaves methods"),
    "a SCIM door that takes everything": ('Path: "/scim/v2/{path+}"', 'Path: "/{path+}"', "other routes than SCIM's"),
    "a SCIM door that cannot list its users": (
        "[dynamodb:Query, dynamodb:GetItem,",
        "[dynamodb:GetItem,",
        "scim calls scim_page(), but ScimRole does not allow dynamodb:Query",
    ),
    "a SCIM door that may read the secret": (
        "SecretString:SCIM_TOKENS:",
        "SecretString:PODIO_REFRESH_TOKEN:",
        "scim is handed a secret under another's name",
    ),
    "a binary that is not there": ("{Binary: sweep}", "{Binary: sweeper}", "sweeper"),
}


class Template(unittest.TestCase):
    def test_mistakes_that_cloudformation_would_refuse_are_found(self):
        self.each_is_found(OF_CLOUDFORMATION, template.linted)

    def test_breaches_of_our_own_rules_are_found(self):
        self.assertEqual(template.disagreements(TEXT), [])
        self.each_is_found(OUR_OWN, template.disagreements)

    def each_is_found(self, mistakes, check):
        for mistake, (text, planted, word) in mistakes.items():
            with self.subTest(mistake):
                self.assertIn(text, TEXT)
                found = check(TEXT.replace(text, planted, 1))
                self.assertTrue(any(word in each for each in found), found)


if __name__ == "__main__":
    unittest.main()

"""What the template and the code must agree on, and what a role may never allow."""

import json
import re

FUNCTIONS = {"api": "ApiFunction", "hooks": "HooksFunction", "scim": "ScimFunction",
             "sweep": "SweepFunction", "worker": "WorkerFunction"}
# The only function that may come near Podio's credential.
ENGINE = "WorkerFunction"
TABLES = ("StateTable", "CredentialsTable", "EvidenceTable")
CREDENTIALS = {"CredentialsTable", "CredentialsKey", "Secret"}
# What the secret holds (infra/README.md); the worker reads it there, the doors are handed their own.
PODIO = {"PODIO_CLIENT_ID", "PODIO_CLIENT_SECRET", "PODIO_REFRESH_TOKEN", "PODIO_USERNAME", "PODIO_PASSWORD"}
IN_SECRET = PODIO | {"EVIDENCE_KEY", "HOOK_SECRET"}
SETTINGS = IN_SECRET | {
    "API_TOKENS", "AUDIT_SCHEDULE", "STALE_AFTER_DAYS", "CREDENTIALS_TABLE_NAME", "DEAD_LETTER_QUEUE_URL", "EVENT_BUS_NAME",
    "EVIDENCE_RETENTION_DAYS", "EVIDENCE_TABLE_NAME", "HOOKS", "HOOKS_URL",
    "LEAVERS_APP_ID", "LEAVERS_LAST_DAY_FIELD", "LEAVERS_PERSON_FIELD", "LEAVERS_REASON_FIELD", "LEAVERS_TIME_ZONE",
    "MASS_OFFBOARDING_SHARE", "MASS_OFFBOARDING_THRESHOLD", "OFFBOARDING_SECRETS", "PODIO_API_URL", "PODIO_ORG_ID", "QUEUE_URL", "QUOTA_LIMIT",
    "QUOTA_WINDOW_SECONDS", "REMOVE_RETURNED", "SCIM_TOKENS", "SENDERS", "SWEEP_PATIENCE_SECONDS", "TABLE_NAME",
    "TWO_PERSON_APPROVAL", "UNKNOWN_PERSON",
}
# Calls of ports that need more of the state table than one item by its key: what they are allowed, and on what.
READS = {
    "audits": {("dynamodb:BatchGetItem", "table"), ("dynamodb:Query", "table")},
    "audited": {("dynamodb:GetItem", "table")},
    "begin_audit": {("dynamodb:GetItem", "table"), ("dynamodb:PutItem", "table")},
    "changes": {("dynamodb:Query", "table")},
    "current_members": {("dynamodb:Query", "table")},
    "listed": {("dynamodb:Query", "table")},
    "members": {("dynamodb:Query", "table")},
    "members_among": {("dynamodb:BatchGetItem", "table")},
    "record_members": {("dynamodb:PutItem", "table")},
    "save_audit": {("dynamodb:PutItem", "table"), ("dynamodb:UpdateItem", "table")},
    "active": {("dynamodb:BatchGetItem", "table"), ("dynamodb:Query", "index")},
    "ahead": {("dynamodb:Query", "index of work")},
    # The dispatcher's own: it reads what waits and who has begun, and writes the quota.
    "dispatch": {("dynamodb:Query", "index of work"), ("dynamodb:GetItem", "table"), ("dynamodb:PutItem", "table")},
    "due": {("dynamodb:Query", "index")},
    "list": {("dynamodb:BatchGetItem", "table"), ("dynamodb:Query", "table"), ("dynamodb:Query", "index of states")},
    "removed": {("dynamodb:BatchGetItem", "table")},
    "scim_page": {("dynamodb:BatchGetItem", "table"), ("dynamodb:Query", "table")},
    "scim_users_by": {("dynamodb:BatchGetItem", "table"), ("dynamodb:GetItem", "table"), ("dynamodb:Query", "table")},
    "save_scim_user": {("dynamodb:PutItem", "table"), ("dynamodb:DeleteItem", "table")},
    "delete_scim_user": {("dynamodb:DeleteItem", "table")},
    "waiting_in": {("dynamodb:Query", "index of spaces")},
} | {call: {("dynamodb:UpdateItem", "table")} for call in ("claim", "leave", "put", "survived", "wait_again")}


def findings(template, plain, root):
    """One sentence for each disagreement. `plain` is the template after SAM's translation."""
    resources = plain["Resources"]
    yield from binaries(resources, root)
    yield from routes(template["Resources"], root)
    yield from tables(resources, root)
    yield from queue(template, resources, root)
    yield from roles(resources)
    yield from reads(resources, root)
    yield from alarms(resources, root)
    yield from runbook(resources, root)
    yield from dashboard(resources, root)
    yield from settings(resources, root)


def binaries(resources, root):
    built = {
        name: resource["Metadata"]["BuildProperties"]["Binary"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::Function"
    }
    if built != {logical: binary for binary, logical in FUNCTIONS.items()}:
        yield f"the functions and their binaries are {built}"
    for binary in built.values():
        if not (root / "functions" / binary / "src" / "main.rs").exists():
            yield f"there is no function {binary} to build"


def routes(resources, root):
    deployed = {
        logical: {
            (event["Properties"]["Method"], event["Properties"]["Path"])
            for event in resources[logical]["Properties"]["Events"].values()
        }
        for logical in ("ApiFunction", "HooksFunction", "ScimFunction")
    }
    files = ("functions/api/src/route.rs", "functions/api/src/people/route.rs")
    code = "".join((root / file).read_text(encoding="utf-8") for file in files)
    known = set(re.findall(r'=> "(/[a-z_{}/]+)"', code))
    paths = {path for _, path in deployed["ApiFunction"]}
    if paths != known:
        yield f"routes of the api function: code and template differ in {sorted(paths ^ known)}"
    if deployed["HooksFunction"] != {("ANY", "/hooks/podio/{ref_type}/{ref_id}/{key}")}:
        yield "the hooks function has other routes than Podio's"
    # SCIM has an answer of its own to each path below its root, and no door has a wider one.
    if deployed["ScimFunction"] != {("ANY", "/scim/v2/{path+}")}:
        yield "the scim function has other routes than SCIM's"
    others = (deployed["ApiFunction"], deployed["HooksFunction"])
    if any("+}" in path or path == "$default" for door in others for _, path in door):
        yield "a route takes everything"
    # API Gateway knows no HEAD for a GET, and answers 404 where the function says 405.
    if any(method != "ANY" for door in deployed.values() for method, _ in door):
        yield "a route leaves methods to API Gateway, which the function answers"


def tables(resources, root):
    code = (root / "shared/aws/src/tables.rs").read_text(encoding="utf-8")
    name = dict(re.findall(r'pub const ([A-Z_]+): &str = "([a-z_]+)";', code))
    keys = [(name["PARTITION_KEY"], "HASH", "S"), (name["SORT_KEY"], "RANGE", "S")]
    due = [(name["DUE_KIND"], "HASH", "S"), (name["DUE_AT"], "RANGE", "N")]
    states = [(name["IN_STATE"], "HASH", "S"), (name["LISTED_AS"], "RANGE", "S")]
    work = [(name["WORK_QUEUE"], "HASH", "S"), (name["WORK_PLACE"], "RANGE", "S")]
    space = [(name["WAITS_FOR_SPACE"], "HASH", "S")]
    state, credentials, evidence = (resources[table]["Properties"] for table in TABLES)
    types = {each["AttributeName"]: each["AttributeType"] for each in state["AttributeDefinitions"]}

    def schema(of):
        return [(key["AttributeName"], key["KeyType"], types[key["AttributeName"]]) for key in of["KeySchema"]]

    if any(schema(table) != keys for table in (state, credentials, evidence)):
        yield f"the tables' keys are not {keys}"
    keys_only = {"ProjectionType": "KEYS_ONLY"}
    known = [
        (name["DUE_INDEX"], due, keys_only),
        (name["STATES_INDEX"], states, keys_only),
        # The dispatcher chooses by the index alone.
        (name["WORK_INDEX"], work, {"ProjectionType": "INCLUDE", "NonKeyAttributes": [name["WORK"]]}),
        (name["SPACE_INDEX"], space, keys_only),
    ]
    indexes = [(index["IndexName"], schema(index), index["Projection"]) for index in state["GlobalSecondaryIndexes"]]
    if indexes != known:
        yield f"the state table's indexes are {indexes}"
    for table, of in (("state", state), ("evidence", evidence)):
        if of["TimeToLiveSpecification"] != {"AttributeName": name["TTL"], "Enabled": True}:
            yield f"the {table} table's TTL attribute is not {name['TTL']}"
    for table in TABLES:
        if any(resources[table].get(policy) != "Retain" for policy in ("DeletionPolicy", "UpdateReplacePolicy")):
            yield f"{table} would be deleted with the stack"


def queue(template, resources, root):
    visibility = resources["Jobs"]["Properties"]["VisibilityTimeout"]
    timeout = resources[ENGINE]["Properties"]["Timeout"]
    patience = template["Parameters"]["SweepPatienceSeconds"]
    if visibility < 6 * timeout:
        yield f"messages are visible again after {visibility} s, which is less than six times the worker's {timeout} s"
    if patience["MinValue"] <= timeout:
        yield f"an attempt may count as lost after {patience['MinValue']} s, while a worker takes {timeout} s"
    code = (root / "shared/engine/src/quota/mod.rs").read_text(encoding="utf-8")
    most = int(re.search(r"pub const PATIENCE: SignedDuration = SignedDuration::from_secs\((\d+)\)", code)[1])
    if patience["MaxValue"] != most or patience["Default"] != most:
        yield f"the functions have no more patience than {most} s, and SweepPatienceSeconds says otherwise"
    if resources["WorkerFunctionJobs"]["Properties"].get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
        yield "one bad message would fail its batch"


def roles(resources):
    for binary, logical in FUNCTIONS.items():
        role = resources[logical]["Properties"]["Role"]["Fn::GetAtt"][0]
        properties = resources[role]["Properties"]
        if properties.get("ManagedPolicyArns"):
            yield f"{role} has policies that are not its own"
        statements = [each for policy in properties["Policies"] for each in policy["PolicyDocument"]["Statement"]]
        for statement in statements:
            for text in [*listed(statement["Action"]), *map(json.dumps, listed(statement["Resource"]))]:
                if "*" in text:
                    yield f"{role} allows more than it names: {text}"
        if logical != ENGINE:
            for statement in statements:
                of_evidence = "EvidenceTable" in mentioned(listed(statement["Resource"]))
                if of_evidence and set(listed(statement["Action"])) - {"dynamodb:GetItem", "dynamodb:Query"}:
                    yield f"{binary} may write evidence"
        # A door's variables may speak of the secret, as far as settings() below lets them.
        variables = mentioned(resources[logical]["Properties"]["Environment"]["Variables"]) - {"Secret"}
        if logical != ENGINE and (mentioned(statements) | variables) & CREDENTIALS:
            yield f"{binary} comes near Podio's credential"


def reads(resources, root):
    """Whether each role allows what its function's calls of ports, and of the dispatcher, come to."""
    for binary, logical in FUNCTIONS.items():
        sources = " ".join(source.read_text("utf-8") for source in (root / "functions" / binary / "src").rglob("*.rs"))
        called = set(re.findall(r"(?:ports\s*\.\w+|\bdispatcher)\s*\.(\w+)\(", sources)) & set(READS)
        role = resources[logical]["Properties"]["Role"]["Fn::GetAtt"][0]
        statements = resources[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        where = {
            '{"Fn::GetAtt": ["StateTable", "Arn"]}': "table",
            '{"Fn::Sub": "${StateTable.Arn}/index/due"}': "index",
            '{"Fn::Sub": "${StateTable.Arn}/index/states"}': "index of states",
            '{"Fn::Sub": "${StateTable.Arn}/index/work"}': "index of work",
            '{"Fn::Sub": "${StateTable.Arn}/index/space"}': "index of spaces",
        }
        allowed = {
            (action, where.get(json.dumps(resource)))
            for statement in statements
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        }
        for call in sorted(called):
            for action, place in sorted(READS[call] - allowed):
                yield f"{binary} calls {call}(), but {role} does not allow {action} on the state table's {place}"


def alarms(resources, root):
    """Whether the metrics that alarms watch are written, and as they are watched."""
    code = (root / "shared/aws/src/metrics.rs").read_text(encoding="utf-8")
    namespace = re.search(r'NAMESPACE: &str = "(\w+)"', code)[1]
    if '"Dimensions": [[]]' not in code:
        yield "metrics have dimensions now, and the alarms have none"
    ports = (root / "shared/lifecycle/src/ports/mod.rs").read_text(encoding="utf-8")
    written = set(re.findall(r'Self::\w+ => "(\w+)"', ports))
    for name, resource in resources.items():
        of = resource["Properties"]
        if resource["Type"] != "AWS::CloudWatch::Alarm" or of["Namespace"].startswith("AWS/"):
            continue
        if of["Namespace"] != namespace or of["MetricName"] not in written or of.get("Dimensions"):
            yield f"{name} watches {of['Namespace']}/{of['MetricName']}, which nobody writes"


def runbook(resources, root):
    """Whether somebody who is woken by an alarm is told what to type."""
    guide = (root / "infra/README.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### (.*?)\n(.*?)(?=^##|\Z)", guide, re.MULTILINE | re.DOTALL)
    told = {
        alarm: "".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
        for head, text in sections
        for alarm in re.findall(r"`(\w+Alarm)`", head)
    }
    known = {name for name, resource in resources.items() if resource["Type"] == "AWS::CloudWatch::Alarm"}
    for name in sorted(known - set(told)):
        yield f"infra/README.md says nothing of {name}"
    for name in sorted(set(told) - known):
        yield f"infra/README.md speaks of {name}, which does not exist"
    for name in sorted(known & set(told)):
        if not told[name].strip():
            yield f"infra/README.md has no command for {name}"
        description = resources[name]["Properties"].get("AlarmDescription", "")
        if not description.strip():
            yield f"{name} does not say what it means"


def dashboard(resources, root):
    """Whether the dashboard is JSON and shows every metric of ours."""
    body = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    try:
        widgets = json.loads(body)["widgets"]
    except ValueError as error:
        yield f"the dashboard is no JSON: {error}"
        return
    shown = {metric[1] for widget in widgets for metric in widget["properties"]["metrics"]}
    ports = (root / "shared/lifecycle/src/ports/mod.rs").read_text(encoding="utf-8")
    for name in sorted(set(re.findall(r'Self::\w+ => "(\w+)"', ports)) - shown):
        yield f"the dashboard does not show {name}"


def settings(resources, root):
    for binary, logical in FUNCTIONS.items():
        given = resources[logical]["Properties"]["Environment"]["Variables"]
        handed = {name for name, value in given.items() if "{{resolve:" in json.dumps(value)}
        if handed - {"API_TOKENS", "OFFBOARDING_SECRETS", "SENDERS", "HOOK_SECRET", "SCIM_TOKENS"} or logical == ENGINE and handed:
            yield f"{binary} is handed {sorted(handed)}"
        if any(f":SecretString:{name}:" not in json.dumps(given[name]) for name in handed):
            yield f"{binary} is handed a secret under another's name"
        if (handed or "SECRET_ARN" in given) and "SecretVersionId" not in json.dumps(given):
            yield f"{binary} would go on with the old secret after SecretVersionId has changed"
        sources = (root / "functions" / binary / "src").rglob("*.rs")
        literals = {text for source in sources for text in re.findall(r'"([A-Z][A-Z_]+)"', source.read_text("utf-8"))}
        read = literals & SETTINGS
        if not read:
            continue  # It reads no settings yet.
        told = {"RUST_LOG", "SECRET_ARN", "SECRET_VERSION"}
        found = set(given) - told | (IN_SECRET if "SECRET_ARN" in given else set())
        if read - found:
            yield f"{binary} reads {sorted(read - found)}, which it is not given"
        if found - read - PODIO:
            yield f"{binary} is given {sorted(found - read - PODIO)}, which it does not read"


def listed(value):
    return value if isinstance(value, list) else [value]


def mentioned(value):
    """The logical names that a piece of a template speaks of."""
    text = json.dumps(value)
    names = re.findall(r'"(?:Ref|Fn::GetAtt)": (?:\["?)?"?(\w+)', text) + re.findall(r"\$\{(\w+)", text)
    return set(names)

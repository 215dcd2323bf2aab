"""Makes the HTTP API's routes of a stack on ministack, and prints where the shop is (see deploy-to-emulator).

ministack 1.5.33 creates the API but reads no routes from its OpenAPI body, where SAM puts them. They are made here from
that same body, so template.yaml stays the only place that declares them.
"""

import json
import re
import sys

import boto3

ACCOUNT = "000000000000"


def physical_ids(cloudformation, stack):
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return {resource["LogicalResourceId"]: (resource["ResourceType"], resource["PhysicalResourceId"]) for resource in resources}


def routes(template):
    """(API's logical id, route key, integration) for each operation of each API's OpenAPI body."""
    for api, resource in template["Resources"].items():
        if resource["Type"] != "AWS::ApiGatewayV2::Api":
            continue
        for path, operations in resource["Properties"]["Body"]["paths"].items():
            for method, operation in operations.items():
                if method != "options":
                    yield api, f"{method.upper()} {path}", operation["x-amazon-apigateway-integration"]


def function_arn(integration, ids, region):
    """The ARN in `arn:.../functions/${NAME.Arn}/invocations` or `${ALIAS}`."""
    name = re.search(r"/functions/\$\{([A-Za-z0-9]+)", json.dumps(integration["uri"]))
    if not name:
        raise SystemExit(f"no function is named in the integration {integration}")
    kind, physical = ids[name.group(1)]
    if kind == "AWS::Lambda::Alias":
        return physical
    return f"arn:aws:lambda:{region}:{ACCOUNT}:function:{physical}"


def make_routes(gateway, template, ids, region):
    made = {}
    for api, key, integration in routes(template):
        api_id = ids[api][1]
        if api not in made:
            made[api] = {route["RouteKey"] for route in gateway.get_routes(ApiId=api_id, MaxResults="500")["Items"]}
        if key in made[api]:
            continue
        target = gateway.create_integration(
            ApiId=api_id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=function_arn(integration, ids, region),
            PayloadFormatVersion=integration["payloadFormatVersion"],
        )["IntegrationId"]
        gateway.create_route(ApiId=api_id, RouteKey=key, Target=f"integrations/{target}")
    if len(made) != 1:
        raise SystemExit(f"one HTTP API with routes was expected in the stack, there are {len(made)}")
    return ids[next(iter(made))][1]


def main():
    if len(sys.argv) != 3:
        raise SystemExit("usage: emulator-routes.py URL STACK")
    url, stack = sys.argv[1:]
    session = boto3.Session()
    region = session.region_name

    def client(service):
        return session.client(service, endpoint_url=url)

    cloudformation = client("cloudformation")
    template = cloudformation.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
    ids = physical_ids(cloudformation, stack)
    api_id = make_routes(client("apigatewayv2"), template, ids, region)

    def of_type(name):
        return {logical: physical for logical, (kind, physical) in ids.items() if kind == name}

    json.dump(
        {
            "http": url,
            "host_header": f"{api_id}.execute-api.localhost:{url.rsplit(':', 1)[1]}",
            "dynamodb": url,
            "sqs": url,
            "lambda": url,
            "region": region,
            "stack": stack,
            "tables": of_type("AWS::DynamoDB::Table"),
            "queues": of_type("AWS::SQS::Queue"),
            "functions": of_type("AWS::Lambda::Function"),
        },
        sys.stdout,
        indent=2,
    )
    print()


main()

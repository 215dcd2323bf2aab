"""Makes good on ministack what it lacks of a stack, and prints where the shop is (see deploy-to-emulator).

Gaps of ministack 1.5.33, each closed from the deployed template, so that template.yaml stays the only declaration:
- It creates the HTTP API but reads neither routes nor CORS from the OpenAPI body, where SAM puts them.
- It keeps the MaximumConcurrency of an SQS trigger as the string that a parameter is, and then fails to poll the queue.
"""

import json
import re
import sys

import boto3

ACCOUNT = "000000000000"


def main():
    if len(sys.argv) != 3:
        raise SystemExit("usage: emulator-gaps.py URL STACK")
    url, stack = sys.argv[1:]
    session = boto3.Session()

    def client(service):
        return session.client(service, endpoint_url=url)

    cloudformation = client("cloudformation")
    template = cloudformation.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
    ids = physical_ids(cloudformation, stack)
    api = make_api(client("apigatewayv2"), template, ids, session.region_name)
    make_concurrency_numeric(client("lambda"))

    def of_type(name):
        return {logical: physical for logical, (kind, physical) in ids.items() if kind == name}

    shop = {
        "http": f"{url}/_aws/execute-api/{api}/$default",
        "dynamodb": url,
        "sqs": url,
        "lambda": url,
        "region": session.region_name,
        "stack": stack,
        "tables": of_type("AWS::DynamoDB::Table"),
        "queues": of_type("AWS::SQS::Queue"),
        "functions": of_type("AWS::Lambda::Function"),
    }
    print(json.dumps(shop, indent=2))


def physical_ids(cloudformation, stack):
    """Type and physical id of each resource, by logical id."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return {each["LogicalResourceId"]: (each["ResourceType"], each["PhysicalResourceId"]) for each in resources}


def make_api(gateway, template, ids, region):
    """Routes and CORS of the one HTTP API, as its OpenAPI body has them. The API's id."""
    apis = [name for name, resource in template["Resources"].items() if resource["Type"] == "AWS::ApiGatewayV2::Api"]
    if len(apis) != 1:
        raise SystemExit(f"the stack has {len(apis)} HTTP APIs, one was expected")
    body = template["Resources"][apis[0]]["Properties"]["Body"]
    api = ids[apis[0]][1]
    wanted = {
        f"{method.upper()} {path}": operation["x-amazon-apigateway-integration"]
        for path, operations in body["paths"].items()
        for method, operation in operations.items()
    }
    for route in gateway.get_routes(ApiId=api, MaxResults="500")["Items"]:
        gateway.delete_route(ApiId=api, RouteId=route["RouteId"])
    for integration in gateway.get_integrations(ApiId=api, MaxResults="500")["Items"]:
        gateway.delete_integration(ApiId=api, IntegrationId=integration["IntegrationId"])
    for key, integration in wanted.items():
        made = gateway.create_integration(
            ApiId=api,
            IntegrationType="AWS_PROXY",
            IntegrationUri=function_arn(integration, ids, region),
            PayloadFormatVersion=integration["payloadFormatVersion"],
        )
        gateway.create_route(ApiId=api, RouteKey=key, Target=f"integrations/{made['IntegrationId']}")
    cors = body.get("x-amazon-apigateway-cors")
    if cors:
        gateway.update_api(ApiId=api, CorsConfiguration={key[0].upper() + key[1:]: value for key, value in cors.items()})
    return api


def function_arn(integration, ids, region):
    """Of the function or alias in `arn:.../functions/${NAME.Arn}/invocations`."""
    name = re.search(r"/functions/\$\{([A-Za-z0-9]+)", json.dumps(integration["uri"]))
    if not name:
        raise SystemExit(f"no function is named in the integration {integration}")
    kind, physical = ids[name.group(1)]
    return physical if kind == "AWS::Lambda::Alias" else f"arn:aws:lambda:{region}:{ACCOUNT}:function:{physical}"


def make_concurrency_numeric(functions):
    pages = functions.get_paginator("list_event_source_mappings").paginate()
    for mapping in (mapping for page in pages for mapping in page["EventSourceMappings"]):
        most = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
        if most is not None:
            functions.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": int(most)})


main()

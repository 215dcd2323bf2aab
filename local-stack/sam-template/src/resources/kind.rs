//! The types of resources, and what the local stack does with each.

/// What the local stack does with the resources of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Function,
    Table,
    SimpleTable,
    Queue,
    HttpApi,
    /// Nothing that runs depends on it.
    Management,
    /// It is not hosted; functions may need it. If one of `deliveries` (properties) refers to a function or queue, the
    /// resource would send it something, and cannot be left out.
    NotHosted {
        deliveries: &'static [&'static str],
    },
    /// It cannot be left out, and is not supported; with what to do instead.
    Unsupported(&'static str),
    Unknown,
}

/// Permissions, logs, alarms, dashboards and the like; types, or what types begin with.
const MANAGEMENT: [&str; 32] = [
    "AWS::ApiGateway::Account",
    "AWS::ApplicationAutoScaling::",
    "AWS::ApplicationInsights::",
    "AWS::Backup::",
    "AWS::Budgets::",
    "AWS::CE::",
    "AWS::CertificateManager::",
    "AWS::Chatbot::",
    "AWS::CloudTrail::",
    "AWS::CloudWatch::",
    "AWS::CodeBuild::",
    "AWS::CodeDeploy::",
    "AWS::CodePipeline::",
    "AWS::Config::",
    "AWS::IAM::",
    "AWS::Lambda::CodeSigningConfig",
    "AWS::Lambda::LayerVersionPermission",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::Logs::LogStream",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::QueryDefinition",
    "AWS::Logs::ResourcePolicy",
    "AWS::ResourceGroups::",
    "AWS::Route53::",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Serverless::Connector",
    "AWS::Signer::",
    "AWS::Synthetics::",
    "AWS::XRay::",
];

/// Types that would send something, and the properties that name the receiver.
const DELIVERING: [(&str, &[&str]); 12] = [
    ("AWS::AppSync::DataSource", &["LambdaConfig"]),
    ("AWS::Cognito::UserPool", &["LambdaConfig"]),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", &["Targets"]),
    ("AWS::Events::Rule", &["Targets"]),
    ("AWS::IoT::TopicRule", &["TopicRulePayload"]),
    ("AWS::KinesisFirehose::DeliveryStream", &["ExtendedS3DestinationConfiguration"]),
    ("AWS::Logs::SubscriptionFilter", &["DestinationArn"]),
    ("AWS::Pipes::Pipe", &["Enrichment", "Source", "Target"]),
    ("AWS::S3::Bucket", &["NotificationConfiguration"]),
    ("AWS::SNS::Subscription", &["Endpoint"]),
    ("AWS::SNS::Topic", &["Subscription"]),
    ("AWS::Scheduler::Schedule", &["Target"]),
];

/// Types that deliver nothing by themselves; types, or what types begin with.
const NOT_HOSTED: [&str; 55] = [
    "AWS::AmazonMQ::",
    "AWS::ApiGateway::ApiKey",
    "AWS::ApiGateway::DomainName",
    "AWS::ApiGateway::UsagePlan",
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::ApiGatewayV2::VpcLink",
    "AWS::AppConfig::",
    "AWS::AppSync::",
    "AWS::Athena::",
    "AWS::Bedrock::",
    "AWS::CloudFormation::CustomResource",
    "AWS::CloudFormation::Macro",
    "AWS::CloudFormation::WaitCondition",
    "AWS::CloudFront::",
    "AWS::Cognito::",
    "AWS::DAX::",
    "AWS::DSQL::",
    "AWS::DocDB::",
    "AWS::EC2::",
    "AWS::ECR::",
    "AWS::ECS::",
    "AWS::EFS::",
    "AWS::ElastiCache::",
    "AWS::ElasticLoadBalancingV2::",
    "AWS::Elasticsearch::",
    "AWS::Events::",
    "AWS::Glue::",
    "AWS::IoT::",
    "AWS::KMS::",
    "AWS::Kinesis::",
    "AWS::KinesisFirehose::",
    "AWS::Lambda::Alias",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Version",
    "AWS::Location::",
    "AWS::Logs::",
    "AWS::MSK::",
    "AWS::Neptune::",
    "AWS::OpenSearchServerless::",
    "AWS::OpenSearchService::",
    "AWS::RDS::",
    "AWS::S3::",
    "AWS::SES::",
    "AWS::SNS::",
    "AWS::SSM::",
    "AWS::Scheduler::ScheduleGroup",
    "AWS::SecretsManager::",
    "AWS::Serverless::LayerVersion",
    "AWS::Serverless::StateMachine",
    "AWS::ServiceDiscovery::",
    "AWS::StepFunctions::",
    "AWS::Timestream::",
    "AWS::WAFv2::",
    "Custom::",
];

const NO_REST: &str = "REST APIs are not supported: use AWS::Serverless::HttpApi and HttpApi events";
const NO_API: &str =
    "declare the API as AWS::Serverless::HttpApi, and its routes as HttpApi events of functions";

const UNSUPPORTED: [(&str, &str); 12] = [
    ("AWS::ApiGateway::", NO_REST),
    ("AWS::ApiGatewayV2::", NO_API),
    ("AWS::CloudFormation::Stack", "nested stacks are not supported: start their templates by themselves"),
    ("AWS::DynamoDB::GlobalTable", "global tables are not supported: use AWS::DynamoDB::Table"),
    ("AWS::Lambda::EventInvokeConfig", "set EventInvokeConfig of the AWS::Serverless::Function"),
    ("AWS::Lambda::EventSourceMapping", "declare it in Events of the AWS::Serverless::Function"),
    ("AWS::Lambda::Function", "declare it as AWS::Serverless::Function"),
    ("AWS::Lambda::Url", "function URLs are not supported: use an HttpApi event"),
    ("AWS::Serverless::Api", NO_REST),
    (
        "AWS::Serverless::Application",
        "nested applications are not supported: start their templates by themselves",
    ),
    ("AWS::Serverless::GraphQLApi", "GraphQL APIs are not supported: use AWS::Serverless::HttpApi"),
    ("AWS::Serverless::WebSocketApi", "WebSocket APIs are not supported: use AWS::Serverless::HttpApi"),
];

/// What the local stack does with the resources of a type.
pub(crate) fn kind(name: &str) -> Kind {
    match name {
        "AWS::Serverless::Function" => return Kind::Function,
        "AWS::DynamoDB::Table" => return Kind::Table,
        "AWS::Serverless::SimpleTable" => return Kind::SimpleTable,
        "AWS::SQS::Queue" => return Kind::Queue,
        "AWS::Serverless::HttpApi" => return Kind::HttpApi,
        _ => {}
    }
    // `AWS::Lambda::Function` is not the beginning of another type; `AWS::EC2::` is that of many.
    let is = |known: &str| if known.ends_with("::") { name.starts_with(known) } else { name == known };
    if let Some((_, deliveries)) = DELIVERING.iter().find(|(known, _)| is(known)) {
        return Kind::NotHosted { deliveries };
    }
    if MANAGEMENT.iter().any(|known| is(known)) {
        return Kind::Management;
    }
    if NOT_HOSTED.iter().any(|known| is(known)) {
        return Kind::NotHosted { deliveries: &[] };
    }
    UNSUPPORTED.iter().find(|(known, _)| is(known)).map_or(Kind::Unknown, |(_, hint)| Kind::Unsupported(hint))
}

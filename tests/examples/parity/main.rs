//! Where the local servers differ from each other and from AWS, in what this project relies on: asked, not read.
//!
//!     parity NAME=DYNAMODB_URL,SQS_URL ...
//!
//! Prints a Markdown table with a column for AWS, as its documentation has it, for the embedded servers, which this
//! starts, and for each server that is named; `-` in place of a URL leaves out its half. scripts/parity starts the
//! servers and compares the table with docs/local-backends.md.

#![allow(clippy::unwrap_used, reason = "a question that cannot be asked must be seen")]

mod dynamodb;
mod sqs;
mod streams;

use std::{env, panic, time::Duration};

use embedded_dynamodb::Embedded;
use lambda_kit::aws::Aws;
use local_lambda::{aws_account::AwsAccount, sqs_server};
use tokio_util::sync::CancellationToken;

const REGION: &str = "us-east-1";
/// For one question to one server.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// How often a question is asked that gets no response: on a busy machine, a call may take longer than the clients wait.
const TRIES: u32 = 3;

/// Where one server's services answer.
#[derive(Clone)]
struct Server {
    name: String,
    dynamodb: Option<String>,
    sqs: Option<String>,
}

/// What is asked, what AWS would answer, and the answers, a column for each server.
type Row = (&'static str, &'static str, Vec<String>);

#[tokio::main]
async fn main() {
    let stop = CancellationToken::new();
    let embedded = Embedded::start(0, REGION, None).await.unwrap();
    let account = AwsAccount { id: "000000000000".to_owned(), region: REGION.to_owned() };
    let queues = sqs_server::start(0, &account, stop.clone()).await.unwrap();
    let mut servers =
        vec![Server { name: "embedded".to_owned(), dynamodb: Some(embedded.endpoint()), sqs: Some(queues) }];
    servers.extend(env::args().skip(1).map(|argument| server(&argument)));

    let mut rows: Vec<Row> = Vec::new();
    macro_rules! ask {
        ($service:ident, $what:expr, $aws:expr, $question:path) => {{
            let mut responses = Vec::new();
            for server in &servers {
                let Some(url) = server.$service.clone() else {
                    responses.push("-".to_owned());
                    continue;
                };
                let mut response = Err("not asked");
                for _ in 0..TRIES {
                    let asked =
                        tokio::time::timeout(ANSWERED_WITHIN, tokio::spawn($question(url.clone()))).await;
                    response = match asked {
                        Ok(response) => response.map_err(|_| "an answer that cannot be read"),
                        Err(_) => Err("no answer"),
                    };
                    if response.is_ok() {
                        break;
                    }
                }
                responses.push(response.unwrap_or_else(str::to_owned));
            }
            rows.push(($what, $aws, responses));
        }};
    }
    panic::set_hook(Box::new(|panic| eprintln!("{panic}")));

    ask!(
        dynamodb,
        "A cancelled transaction's reasons, in order",
        "None, ConditionalCheckFailed",
        dynamodb::reasons
    );
    ask!(dynamodb, "`ALL_OLD` returns the item that failed the condition", "yes", dynamodb::all_old);
    ask!(dynamodb, "A transaction with the same token again", "done once", dynamodb::token);
    ask!(dynamodb, "64 transactions at once on one item: TransactionConflict", "raised", dynamodb::conflict);
    ask!(dynamodb, "Write units reported for a transaction of two small puts", "4", dynamodb::write_units);
    ask!(
        dynamodb,
        "Read units reported for a consistent BatchGetItem of one small and one missing item",
        "2",
        dynamodb::read_units
    );
    ask!(dynamodb, "Stream records of put, change, delete", "INSERT, MODIFY, REMOVE", streams::names);
    ask!(dynamodb, "Images in a MODIFY record", "old and new", streams::images);
    ask!(dynamodb, "Stream records of writes that change nothing", "none", streams::unchanged);
    ask!(dynamodb, "200 changes of one item come in order", "yes", streams::order);
    ask!(
        dynamodb,
        "A `TRIM_HORIZON` iterator taken before the first record",
        "reads it",
        streams::empty_shard
    );
    ask!(dynamodb, "A stream record of an item that its time to live ended", "within days", streams::ttl);
    ask!(sqs, "A message comes again after a visibility timeout of 1 s", "after it", sqs::visibility);
    ask!(sqs, "`ChangeMessageVisibility` to 0", "there at once", sqs::release);
    ask!(
        sqs,
        "`ChangeMessageVisibility` of a message that came back",
        "MessageNotInflight",
        sqs::stale_handle
    );
    ask!(sqs, "Receives counted", "1, 2, 3", sqs::counts);
    ask!(sqs, "After `maxReceiveCount` 2, the message is", "in the dead-letter queue", sqs::redrive);
    ask!(sqs, "Its count of receives there", "not documented", sqs::redriven_count);
    ask!(sqs, "A message attribute and its digest come back", "yes", sqs::attributes);
    ask!(sqs, "A long poll hears of a message", "at once", sqs::long_poll);
    ask!(sqs, "A batch with one message that is too long", "the batch is refused", sqs::too_long);

    println!(
        "| | AWS, by its documentation |{}",
        servers.iter().fold(String::new(), |line, server| line + " " + &server.name + " |")
    );
    println!("|---|---|{}", "---|".repeat(servers.len()));
    for (what, aws, responses) in rows {
        println!("| {what} | {aws} | {} |", responses.join(" | "));
    }
    stop.cancel();
    embedded.stop().await;
}

fn server(argument: &str) -> Server {
    let parts = argument.split_once('=').and_then(|(name, urls)| Some((name, urls.split_once(',')?)));
    let Some((name, (dynamodb, sqs))) = parts else {
        panic!("{argument}: expected NAME=DYNAMODB_URL,SQS_URL, with - for a missing URL")
    };
    let url = |text: &str| (text != "-").then(|| text.to_owned());
    Server { name: name.to_owned(), dynamodb: url(dynamodb), sqs: url(sqs) }
}

/// Clients for one server.
fn aws(url: &str) -> Aws {
    Aws::local(REGION, url, url)
}

/// A name that was not used before.
fn fresh(what: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{what}-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

//! A function that is added to template.yaml is watched like the others, without being listed anywhere: all write to one
//! log group, whose errors are counted, and the dashboard searches for their metrics.

use std::fs;

use e2e::template;

#[test]
fn a_new_function_is_watched_without_being_listed() {
    let template = template();
    let text = fs::read_to_string(&template.path).unwrap();
    assert_eq!(
        text.matches("LoggingConfig:").count(),
        1,
        "only Globals name a log group: FunctionErrors reads that one"
    );
    let monitoring = text.split_once("- monitoring\n").unwrap().1.split_once("\nOutputs:").unwrap().0;
    for resource in monitoring.split("\n\n") {
        let listed: Vec<_> = template
            .functions
            .iter()
            .map(|each| &each.logical_id)
            .filter(|id| resource.contains(*id))
            .collect();
        // An alarm may be about one function, as that of the stream's age is.
        let most = if resource.contains("AWS::CloudWatch::Dashboard") { 0 } else { 1 };
        assert!(
            listed.len() <= most,
            "a list of functions, which the next one must not need: {listed:?} in {resource}"
        );
    }
}

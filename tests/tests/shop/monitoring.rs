//! A function that is added to template.yaml is watched like the others. CloudFormation has no loops without a macro,
//! so its alarms and its dashboard name each function, and this holds the lists complete.

use std::fs;

use e2e::template;

#[test]
fn every_function_is_in_the_alarms_of_errors_and_throttles_and_on_the_dashboard() {
    let template = template();
    let text = fs::read_to_string(&template.path).unwrap();
    for function in &template.functions {
        let id = &function.logical_id;
        for metric in ["Errors", "Throttles"] {
            let watched = |line: &&str| {
                line.contains(&format!("MetricName: {metric},")) && line.contains(&format!("!Ref {id}}}"))
            };
            assert_eq!(text.lines().filter(watched).count(), 1, "{id}: the alarm of {metric}");
        }
        let graphs = text.matches(&format!("${{{id}}}\"]")).count();
        assert_eq!(graphs, 4, "{id}: errors, throttles, duration and concurrency on the dashboard");
    }
}

use super::*;
use crate::{node::parse, text::Reference};

fn scope() -> Scope {
    let conditions = parse("Prod: !Equals [!Ref Stage, prod]\nNotProd: !Not [!Condition Prod]").unwrap();
    let Value::Mapping(entries) = conditions.value else { panic!() };
    Scope {
        values: BTreeMap::from([
            ("Stage".to_owned(), "dev".to_owned()),
            ("AWS::Region".to_owned(), "eu-west-1".to_owned()),
        ]),
        conditions: entries.into_iter().map(|entry| (entry.key, entry.node)).collect(),
        mappings: Some(parse("Sizes: {dev: {memory: 128}}").unwrap()),
        resources: BTreeSet::from(["Queue".to_owned()]),
        depth: Cell::new(0),
    }
}

fn evaluate(yaml: &str) -> Result<Node, LineError> {
    scope().evaluate(&parse(yaml).unwrap()).map(|node| node.get("x").cloned().unwrap_or(node))
}

fn text(yaml: &str) -> String {
    evaluate(yaml).unwrap().text().unwrap().to_owned()
}

#[test]
fn each_function_has_cloudformations_value() {
    assert_eq!(text("x: !Ref Stage"), "dev");
    assert_eq!(text("x: {Ref: Stage}"), "dev");
    assert_eq!(text("x: !Sub '${Stage}-${AWS::Region}-${!Raw}'"), "dev-eu-west-1-${Raw}");
    assert_eq!(text("x: !Sub ['${a}!', {a: !Ref Stage}]"), "dev!");
    assert_eq!(text("x: !If [Prod, a, b]"), "b");
    assert_eq!(text("x: !If [NotProd, a, b]"), "a");
    assert_eq!(text("x: !Join ['-', [a, !Ref Stage]]"), "a-dev");
    assert_eq!(text("x: !Select [1, !Split ['.', a.b.c]]"), "b");
    assert_eq!(text("x: !FindInMap [Sizes, !Ref Stage, memory]"), "128");
    assert_eq!(text("x: !And [!Equals [a, a], !Not [!Equals [a, b]]]"), "true");
    assert_eq!(text("x: !Or [!Equals [a, b], !Condition Prod]"), "false");
}

#[test]
fn references_to_resources_stay_unresolved() {
    let node = evaluate("x: !Sub 'url=${Queue}&arn=${Queue.Arn}'").unwrap();
    let Value::Unresolved(text) = node.value else { panic!("{node:?}") };
    let name = |reference: &Reference| reference.attribute.clone().or(Some("ref".to_owned()));
    assert_eq!(text.resolve(name).unwrap(), "url=ref&arn=Arn");
    assert!(evaluate("x: !GetAtt Queue.Arn").unwrap().text().is_err());
}

#[test]
fn no_value_leaves_the_member_out() {
    assert!(evaluate("y: !Ref AWS::NoValue\nz: 1").unwrap().get("y").is_none());
}

#[test]
fn unknown_names_and_functions_name_their_line() {
    let error = evaluate("y: 1\nx: !Ref Nothing").unwrap_err();
    assert_eq!((error.line, error.message.contains("Nothing")), (2, true));
    let error = evaluate("y: 1\n\nx: !ImportValue Other").unwrap_err();
    assert_eq!((error.line, error.message.contains("Fn::ImportValue is not supported")), (3, true));
    assert!(evaluate("x: !GetAtt Nothing.Arn").is_err());
    assert!(evaluate("x: !If [Nothing, a, b]").is_err());
}

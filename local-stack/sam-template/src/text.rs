//! Texts of a template, with their places or with references to deployed resources.

use crate::error::Position;

/// A text and its place in the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Where it is.
    pub at: Position,
    /// The text.
    pub text: String,
}

/// A text that may refer to resources, such as `https://sqs.../${PaymentsQueue}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(pub(crate) Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Literal(String),
    Reference(Reference),
}

/// What a text refers to: `Ref` of a resource, or one of its attributes by `Fn::GetAtt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The logical id of the resource.
    pub resource: String,
    /// The attribute, `Arn` or `StreamArn`; none for `Ref`.
    pub attribute: Option<String>,
}

impl Text {
    pub(crate) fn literal(text: impl Into<String>) -> Self {
        Self(vec![Part::Literal(text.into())])
    }

    pub(crate) fn reference(resource: impl Into<String>, attribute: Option<&str>) -> Self {
        let attribute = attribute.map(str::to_owned);
        Self(vec![Part::Reference(Reference { resource: resource.into(), attribute })])
    }

    pub(crate) fn push(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The text with each reference replaced by its value.
    ///
    /// # Errors
    /// The first reference for which `resolve` returns nothing.
    pub fn resolve(&self, resolve: impl Fn(&Reference) -> Option<String>) -> Result<String, Reference> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Reference(reference) => {
                    text.push_str(&resolve(reference).ok_or_else(|| reference.clone())?);
                }
            }
        }
        Ok(text)
    }

    /// The reference, if the text consists of only one, as in `Queue: !GetAtt PaymentsQueue.Arn`.
    #[must_use]
    pub fn as_reference(&self) -> Option<&Reference> {
        match self.0.as_slice() {
            [Part::Reference(reference)] => Some(reference),
            _ => None,
        }
    }

    /// The text without its references.
    pub(crate) fn literals(&self) -> String {
        let literal = |part: &Part| match part {
            Part::Literal(literal) => literal.clone(),
            Part::Reference(_) => String::new(),
        };
        self.0.iter().map(literal).collect()
    }

    /// The text, if it refers to nothing.
    pub(crate) fn as_literal(&self) -> Option<String> {
        self.resolve(|_| None).ok()
    }
}

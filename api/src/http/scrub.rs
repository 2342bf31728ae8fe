//! Takes what clients sent out of the error texts of async-graphql, and what is not meant for clients with it.

use async_graphql::parser::types::{Directive, ExecutableDocument, Selection, SelectionSet};
use async_graphql::{ErrorExtensionValues, Name, Positioned, ServerError, Variables};
use async_graphql_value::{ConstValue, Value};

use super::document::INVALID;
use crate::error::Failure;

/// The values of one request, to find them in a text. Collected only where there is an error.
pub struct Values(Vec<String>);

/// Texts shorter than this are in every sentence.
const SHORTEST: usize = 3;

impl Values {
    /// All texts and long numbers of the variables and of the document.
    pub fn of(variables: &Variables, document: &ExecutableDocument) -> Self {
        let mut values = Self(Vec::new());
        for (_, value) in variables.iter() {
            values.constant(value);
        }
        for (_, operation) in document.operations.iter() {
            for definition in &operation.node.variable_definitions {
                definition.node.default_value.iter().for_each(|value| values.constant(&value.node));
            }
            values.directives(&operation.node.directives);
            values.set(&operation.node.selection_set.node);
        }
        for fragment in document.fragments.values() {
            values.set(&fragment.node.selection_set.node);
        }
        values
    }

    /// Whether a text quotes one of them.
    fn quoted(&self, text: &str) -> bool {
        self.0.iter().any(|value| text.contains(value.as_str()))
    }

    fn text(&mut self, text: &str) {
        let text = text.trim();
        if text.chars().count() >= SHORTEST {
            self.0.push(text.to_owned());
        }
    }

    fn constant(&mut self, value: &ConstValue) {
        match value {
            ConstValue::String(text) => self.text(text),
            ConstValue::Number(number) => self.text(&number.to_string()),
            ConstValue::List(values) => values.iter().for_each(|value| self.constant(value)),
            ConstValue::Object(fields) => fields.iter().for_each(|(name, value)| {
                self.key(name);
                self.constant(value);
            }),
            _ => {}
        }
    }

    /// A key is a name of the schema, or something a client made up.
    fn key(&mut self, name: &Name) {
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            self.text(name);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Number(number) => self.text(&number.to_string()),
            Value::List(values) => values.iter().for_each(|value| self.value(value)),
            Value::Object(fields) => fields.values().for_each(|value| self.value(value)),
            _ => {}
        }
    }

    fn directives(&mut self, directives: &[Positioned<Directive>]) {
        for directive in directives {
            directive.node.arguments.iter().for_each(|(_, value)| self.value(&value.node));
        }
    }

    fn set(&mut self, set: &SelectionSet) {
        for selection in &set.items {
            self.directives(selection.node.directives());
            match &selection.node {
                Selection::Field(field) => {
                    field.node.arguments.iter().for_each(|(_, value)| self.value(&value.node));
                    self.set(&field.node.selection_set.node);
                }
                Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
}

/// Leaves at most `most` errors, each with a code and without a value of the request.
///
/// What has a code is ours. What has none and a source is an error that some resolver let through as it was, which is
/// a failure; the rest are async-graphql's own words on a document or on values that do not fit the schema.
pub fn scrub(errors: &mut Vec<ServerError>, most: usize, values: impl FnOnce() -> Values) {
    errors.truncate(most);
    if errors.iter().all(has_code) {
        return;
    }
    let values = values();
    for error in errors.iter_mut().filter(|error| !has_code(error)) {
        if error.source.take().is_some() {
            let failure = async_graphql::Error::from(Failure::internal("a resolver let an error through as it was"));
            (error.message, error.extensions) = (failure.message, failure.extensions);
            continue;
        }
        let unquoted = unquote(std::mem::take(&mut error.message));
        error.message =
            if values.quoted(&unquoted) { "A value of the request does not fit here.".into() } else { unquoted };
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        extensions.set("code", INVALID);
    }
}

fn has_code(error: &ServerError) -> bool {
    error.extensions.as_ref().is_some_and(|extensions| extensions.get("code").is_some())
}

/// Cuts off the part of async-graphql's texts that is a value of the request.
fn unquote(mut text: String) -> String {
    let endings = [", found ", " does not contain the value ", " does not contain value "];
    let cut = endings.iter().enumerate().filter_map(|(i, ending)| Some((text.find(ending)?, i))).min();
    if let Some((end, ending)) = cut {
        text.truncate(end);
        text.push_str(if ending == 0 { "." } else { " does not contain the value that was sent." });
    }
    text
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::value;

    use super::*;

    #[test]
    fn no_value_of_the_request_stays_in_a_text() {
        for (text, left) in [
            ("Expected input type \"Int\", found \"Anna\".", "Expected input type \"Int\"."),
            (
                "\"c\", enumeration type \"C\" does not contain the value \"Li\"",
                "\"c\", enumeration type \"C\" does not contain the value that was sent.",
            ),
            (
                "Enumeration type does not contain value \"Li\".",
                "Enumeration type does not contain the value that was sent.",
            ),
            ("Failed to parse \"Date\": Anna is no date", "A value of the request does not fit here."),
            ("Failed to parse \"Date\": 4711 is no date", "A value of the request does not fit here."),
            ("unknown field \"Anna M\"", "A value of the request does not fit here."),
            ("unknown field \"nmae\"", "unknown field \"nmae\""),
            ("got literal", "A value of the request does not fit here."),
        ] {
            let mut errors = vec![ServerError::new(text, None)];
            scrub(&mut errors, 9, sent);
            assert_eq!(errors[0].message, left);
            assert_eq!(errors[0].extensions.as_ref().unwrap().get("code"), Some(&INVALID.into()));
        }
    }

    #[test]
    fn our_own_texts_stay_as_they_are() {
        let mut failed = ServerError::new("Anna", None);
        failed.extensions.get_or_insert_default().set("code", "INTERNAL");
        let mut errors = vec![failed.clone(), failed.clone(), failed.clone()];
        scrub(&mut errors, 2, || panic!("nothing to look for"));
        assert_eq!(errors, vec![failed.clone(), failed]);
    }

    #[test]
    fn an_error_let_through_as_it_was_becomes_a_failure() {
        let mut errors = vec![
            async_graphql::Error::new_with_source("no such file: anna.txt")
                .into_server_error(async_graphql::Pos::default()),
        ];
        scrub(&mut errors, 9, sent);
        assert_eq!(errors[0].message, "The server failed. The program log says why.");
        assert_eq!(errors[0].extensions.as_ref().unwrap().get("code"), Some(&"INTERNAL".into()));
    }

    fn sent() -> Values {
        let variables = Variables::from_value(value!({ "c": { "name": [" Anna "], "nmae": 4711, "Anna M": true }}));
        Values::of(
            &variables,
            &parse_query("{ a @skip(if: false) { ... on A { b(c: [{ d: \"literal\" }]) } } }").unwrap(),
        )
    }
}

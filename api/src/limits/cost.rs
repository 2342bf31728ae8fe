//! What one operation may return at most, in fields, by the page sizes it asks for.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, Variables};
use async_graphql_value::{ConstValue, Value};

use super::{Exceeded, Limits};

/// Checks the fields an operation may return, and what its variables weigh in `uses` places.
///
/// The document must have passed [`super::shape::measure`], which is where `uses` comes from.
pub fn check(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    uses: u64,
    limits: &Limits,
) -> Result<(), Exceeded> {
    let weight = variables.values().map(weigh).fold(0, u64::saturating_add);
    if weight.saturating_mul(uses.max(1)) > limits.values {
        return Err(Exceeded::Values(limits.values));
    }
    let mut pages = Pages { document, operation, variables, limits, seen: HashMap::new() };
    let cost = pages.set(&operation.selection_set.node, Place::default());
    if cost.schema > limits.introspection_cost {
        return Err(Exceeded::Cost(limits.introspection_cost));
    }
    match cost.data > limits.cost {
        true => Err(Exceeded::Cost(limits.cost)),
        false => Ok(()),
    }
}

/// Where a selection set stands, as far as its cost depends on it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Place {
    /// Within `__schema` or `__type`.
    schema: bool,
    /// Directly in a field that said how long its page is.
    paged: bool,
}

#[derive(Clone, Copy, Default)]
struct Cost {
    data: u64,
    schema: u64,
}

struct Pages<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    limits: &'a Limits,
    seen: HashMap<(&'a str, Place), Cost>,
}

impl<'a> Pages<'a> {
    fn set(&mut self, set: &'a SelectionSet, place: Place) -> Cost {
        let mut sum = Cost::default();
        for selection in &set.items {
            let one = match &selection.node {
                Selection::Field(field) => self.field(&field.node, place),
                Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node, place),
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node, place),
            };
            sum.data = sum.data.saturating_add(one.data);
            sum.schema = sum.schema.saturating_add(one.schema);
        }
        sum
    }

    fn fragment(&mut self, name: &'a Name, place: Place) -> Cost {
        if let Some(cost) = self.seen.get(&(name.as_str(), place)) {
            return *cost;
        }
        let Some(fragment) = self.document.fragments.get(name) else { return Cost::default() };
        let cost = self.set(&fragment.node.selection_set.node, place);
        self.seen.insert((name.as_str(), place), cost);
        cost
    }

    fn field(&mut self, field: &'a Field, place: Place) -> Cost {
        let name = field.name.node.as_str();
        let schema = place.schema || matches!(name, "__schema" | "__type");
        let said = self.page(field);
        let times = match name {
            _ if schema => entries(name),
            "edges" | "nodes" if !place.paged => said.unwrap_or(self.limits.default_page),
            _ => said.unwrap_or(1),
        };
        let below = self.set(&field.selection_set.node, Place { schema, paged: said.is_some() });
        let (data, in_schema) = (below.data.saturating_mul(times), below.schema.saturating_mul(times));
        match schema {
            true => Cost { data, schema: in_schema.saturating_add(1) },
            false => Cost { data: data.saturating_add(1), schema: in_schema },
        }
    }

    /// The length of the page that a field asks for. Whether it is a length at all is the resolver's to say.
    fn page(&self, field: &Field) -> Option<u64> {
        let first = field.get_argument("first").map(|value| self.length(&value.node));
        let last = field.get_argument("last").map(|value| self.length(&value.node));
        first.max(last)
    }

    fn length(&self, value: &Value) -> u64 {
        let number = match value {
            Value::Number(number) => number.as_u64(),
            Value::Variable(name) => self.variable(name),
            _ => None,
        };
        number.unwrap_or(self.limits.default_page)
    }

    fn variable(&self, name: &Name) -> Option<u64> {
        if let Some(value) = self.variables.get(name) {
            return number(value);
        }
        let declared = self.operation.variable_definitions.iter().find(|d| d.node.name.node == *name)?;
        number(&declared.node.default_value.as_ref()?.node)
    }
}

fn number(value: &ConstValue) -> Option<u64> {
    match value {
        ConstValue::Number(number) => number.as_u64(),
        _ => None,
    }
}

/// How many entries a list of the schema is taken to have: about those of the product's own.
fn entries(field: &str) -> u64 {
    match field {
        "types" => 128,
        "fields" | "inputFields" | "enumValues" | "directives" => 8,
        "possibleTypes" => 4,
        "args" | "interfaces" => 2,
        _ => 1,
    }
}

fn weigh(value: &ConstValue) -> u64 {
    use async_graphql_value::ConstValue::{List, Object, String};
    match value {
        String(text) => 1_u64.saturating_add((text.len() as u64).checked_div(64).unwrap_or(0)),
        List(values) => values.iter().map(weigh).fold(1, u64::saturating_add),
        Object(fields) => fields.values().map(weigh).fold(1, u64::saturating_add),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::parser::types::DocumentOperations;
    use async_graphql::value;

    use super::*;

    #[test]
    fn a_page_costs_its_length_times_what_is_in_it() {
        // contacts, its edges, and three more for each of a hundred.
        let text = "{ contacts(first: 100) { edges { node { a b } } } }";
        assert_eq!(least_limit(text, value!({})), 1 + 100 * 4);
        assert_eq!(least_limit("{ contacts(last: 7) { nodes { a } } }", value!({})), 1 + 7 * 2);
    }

    #[test]
    fn a_variable_counts_with_its_value_or_its_default() {
        let text = "query($n: Int = 30) { contacts(first: $n) { nodes { a } } }";
        assert_eq!(least_limit(text, value!({ "n": 50 })), 1 + 50 * 2);
        assert_eq!(least_limit(text, value!({})), 1 + 30 * 2);
        let bare = "query($n: Int) { contacts(first: $n) { nodes { a } } }";
        assert_eq!(least_limit(bare, value!({})), 1 + 20 * 2);
    }

    #[test]
    fn a_page_that_does_not_say_its_length_is_not_free() {
        assert_eq!(least_limit("{ contacts { edges { a } } }", value!({})), 1 + 1 + 20);
        assert_eq!(least_limit("{ contacts { ...f } } fragment f on C { edges { a } }", value!({})), 1 + 1 + 20);
    }

    #[test]
    fn pages_within_pages_multiply_through_fragments() {
        let text = "{ a(first: 100) { ...f } } fragment f on A { b(first: 100) { c } }";
        assert_eq!(least_limit(text, value!({})), 1 + 100 * (1 + 100));
        let huge = "{ a(first: 9223372036854775807) { b(first: 9223372036854775807) { c } } }";
        assert_eq!(checked(huge, value!({}), 1, &Limits::default()), Err(Exceeded::Cost(50_000)));
    }

    #[test]
    fn the_schema_asked_within_itself_is_refused_and_a_tools_question_is_not() {
        let nested =
            "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }";
        assert_eq!(checked(nested, value!({}), 1, &Limits::default()), Err(Exceeded::Cost(300_000)));
        let tool = "{ __schema { queryType { name } types { ...T } directives { name args { ...I } } } }
            fragment T on __Type { kind name fields { name args { ...I } type { ...R } } inputFields { ...I }
              interfaces { ...R } enumValues { name } possibleTypes { ...R } }
            fragment I on __InputValue { name type { ...R } defaultValue }
            fragment R on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
              ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";
        assert_eq!(checked(tool, value!({}), 1, &Limits::default()), Ok(()));
    }

    #[test]
    fn large_variables_are_counted_for_each_place_that_uses_them() {
        let limits = Limits { values: 100, ..Limits::default() };
        let names = value!({ "names": [1, 2, 3, 4] });
        assert_eq!(checked("{ a }", names.clone(), 20, &limits), Ok(()));
        assert_eq!(checked("{ a }", names, 21, &limits), Err(Exceeded::Values(100)));
        let text = ConstValue::String("x".repeat(64 * 101));
        assert_eq!(checked("{ a }", value!({ "text": text }), 0, &limits), Err(Exceeded::Values(100)));
    }

    fn least_limit(text: &str, variables: ConstValue) -> u64 {
        (0..100_000).find(|cost| checked(text, variables.clone(), 1, &limit(*cost)).is_ok()).unwrap()
    }

    fn limit(cost: u64) -> Limits {
        Limits { cost, ..Limits::default() }
    }

    fn checked(text: &str, variables: ConstValue, uses: u64, limits: &Limits) -> Result<(), Exceeded> {
        let document = parse_query(text).unwrap();
        let DocumentOperations::Single(operation) = &document.operations else { panic!("one operation") };
        check(&document, &operation.node, &Variables::from_value(variables), uses, limits)
    }
}

//! How deep and how wide a document is when its fragments are written out, without writing them out: each fragment is
//! walked once, whatever the number of its spreads.

use std::collections::HashMap;

use async_graphql::parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Positioned};
use async_graphql_value::Value;

use super::{Exceeded, Limits};

/// A shape that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misshapen {
    Exceeded(Exceeded),
    /// A fragment that spreads itself, by whatever way.
    Cycle,
}

/// Checks every operation of a document, those not asked for too, since validation walks them all. Returns in how many
/// places a variable is used.
pub fn measure(document: &ExecutableDocument, limits: &Limits) -> Result<u64, Misshapen> {
    if document.fragments.len() > limits.fragments {
        return Err(Misshapen::Exceeded(Exceeded::Fragments(limits.fragments)));
    }
    let mut walk = Walk { document, limits, seen: HashMap::new() };
    let mut sum = Size::default();
    for (_, operation) in document.operations.iter() {
        let directives = uses_in_directives(&operation.node.directives);
        let size = walk.set(&operation.node.selection_set.node, 1)?;
        walk.check(&size)?;
        sum = sum.and(&size).and(&Size { uses: directives, ..Size::default() });
    }
    for fragment in document.fragments.keys() {
        walk.fragment(fragment, 1)?;
    }
    if sum.selections > limits.selections {
        return Err(Misshapen::Exceeded(Exceeded::Selections(limits.selections)));
    }
    Ok(sum.uses)
}

#[derive(Clone, Copy, Default)]
struct Size {
    selections: u64,
    aliases: u64,
    /// Fields that stand in the set itself, or in fragments spread there.
    fields: u64,
    uses: u64,
    /// Selection sets below this one, itself included.
    depth: usize,
}

impl Size {
    fn and(&self, other: &Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            aliases: self.aliases.saturating_add(other.aliases),
            fields: self.fields.saturating_add(other.fields),
            uses: self.uses.saturating_add(other.uses),
            depth: self.depth.max(other.depth),
        }
    }
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    limits: &'a Limits,
    /// `None` while the fragment is being walked.
    seen: HashMap<&'a str, Option<Size>>,
}

impl<'a> Walk<'a> {
    fn check(&self, size: &Size) -> Result<(), Misshapen> {
        let limits = self.limits;
        let exceeded = match size {
            _ if size.selections > limits.selections => Exceeded::Selections(limits.selections),
            _ if size.aliases > limits.aliases => Exceeded::Aliases(limits.aliases),
            _ if size.fields > limits.root_fields => Exceeded::RootFields(limits.root_fields),
            _ => return Ok(()),
        };
        Err(Misshapen::Exceeded(exceeded))
    }

    fn set(&mut self, set: &'a SelectionSet, depth: usize) -> Result<Size, Misshapen> {
        self.deep(depth)?;
        let mut sum = Size { depth: 1, ..Size::default() };
        for selection in &set.items {
            let one = Size { selections: 1, uses: uses_in_directives(selection.node.directives()), ..Size::default() };
            sum = sum.and(&one).and(&self.selection(&selection.node, depth)?);
        }
        Ok(sum)
    }

    fn selection(&mut self, selection: &'a Selection, depth: usize) -> Result<Size, Misshapen> {
        let below = depth.saturating_add(1);
        let size = match selection {
            Selection::Field(field) => self.field(&field.node, below)?,
            Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node, below)?,
            Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node, below)?,
        };
        Ok(Size { depth: size.depth.saturating_add(1), ..size })
    }

    fn field(&mut self, field: &'a Field, below: usize) -> Result<Size, Misshapen> {
        let children = match field.selection_set.node.items.is_empty() {
            true => Size::default(),
            false => self.set(&field.selection_set.node, below)?,
        };
        let uses = uses_in_arguments(&field.arguments);
        let aliases = u64::from(field.alias.is_some());
        Ok(Size { fields: 1, ..children.and(&Size { aliases, uses, ..Size::default() }) })
    }

    fn fragment(&mut self, name: &'a Name, depth: usize) -> Result<Size, Misshapen> {
        match self.seen.get(name.as_str()) {
            Some(Some(size)) => {
                let size = *size;
                self.deep(depth.saturating_add(size.depth).saturating_sub(1))?;
                return Ok(size);
            }
            Some(None) => return Err(Misshapen::Cycle),
            None => {}
        }
        // A fragment that is not there is validation's to name.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Size::default()) };
        self.seen.insert(name.as_str(), None);
        let directives = uses_in_directives(&fragment.node.directives);
        let size = self.set(&fragment.node.selection_set.node, depth)?;
        let size = size.and(&Size { uses: directives, ..Size::default() });
        self.seen.insert(name.as_str(), Some(size));
        Ok(size)
    }

    fn deep(&self, depth: usize) -> Result<(), Misshapen> {
        match depth > self.limits.depth {
            true => Err(Misshapen::Exceeded(Exceeded::Depth(self.limits.depth))),
            false => Ok(()),
        }
    }
}

fn uses_in_directives(directives: &[Positioned<Directive>]) -> u64 {
    directives.iter().map(|directive| uses_in_arguments(&directive.node.arguments)).sum()
}

fn uses_in_arguments(arguments: &[(Positioned<Name>, Positioned<Value>)]) -> u64 {
    arguments.iter().map(|(_, value)| uses(&value.node)).sum()
}

fn uses(value: &Value) -> u64 {
    match value {
        Value::Variable(_) => 1,
        Value::List(values) => values.iter().map(uses).sum(),
        Value::Object(fields) => fields.values().map(uses).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn two_to_the_thirty_first_visits_are_refused_after_thirty_two() {
        let bomb: String = (0..31).map(|i| format!("fragment f{i} on Q {{ ...f{} ...f{} }} ", i + 1, i + 1)).collect();
        let text = format!("{{ ...f0 }} {bomb} fragment f31 on Q {{ a }}");
        let deep = Limits { depth: 100, ..Limits::default() };
        assert_eq!(measured(&text, &deep), exceeded(Exceeded::Selections(5_000)));
        assert_eq!(measured(&text, &Limits::default()), exceeded(Exceeded::Depth(24)));
    }

    #[test]
    fn a_fragment_that_comes_back_to_itself_is_refused() {
        let text = "{ ...a } fragment a on Q { x { ...b } } fragment b on Q { ...a ...a }";
        assert_eq!(measured(text, &Limits::default()), Err(Misshapen::Cycle));
        let unused = "{ x } fragment a on Q { ...a }";
        assert_eq!(measured(unused, &Limits::default()), Err(Misshapen::Cycle));
    }

    #[test]
    fn depth_is_the_same_on_the_first_and_on_a_later_visit() {
        let text = "{ ...f x { y { ...f } } } fragment f on Q { a { b } }";
        assert_eq!(measured(text, &Limits { depth: 5, ..Limits::default() }), Ok(0));
        assert_eq!(measured(text, &Limits { depth: 4, ..Limits::default() }), exceeded(Exceeded::Depth(4)));
        let turned = "{ x { y { ...f } } ...f } fragment f on Q { a { b } }";
        assert_eq!(measured(turned, &Limits { depth: 5, ..Limits::default() }), Ok(0));
        assert_eq!(measured(turned, &Limits { depth: 4, ..Limits::default() }), exceeded(Exceeded::Depth(4)));
    }

    #[test]
    fn aliases_and_root_fields_are_counted_through_fragments() {
        let limits = Limits { aliases: 2, root_fields: 3, ..Limits::default() };
        let aliases = "{ a: x b: x { c: y } }";
        assert_eq!(measured(aliases, &limits), exceeded(Exceeded::Aliases(2)));
        let spread = "{ ...f ...f } fragment f on Q { x ... on Q { y } }";
        assert_eq!(measured(spread, &limits), exceeded(Exceeded::RootFields(3)));
        assert_eq!(measured("{ a: x { p q r s } b: x y }", &limits), Ok(0));
        let unselected = "query A { x } query B { x y z x }";
        assert_eq!(measured(unselected, &limits), exceeded(Exceeded::RootFields(3)));
    }

    #[test]
    fn places_that_use_a_variable_are_counted() {
        let text = "query($v: I) { a(b: $v, c: [$v, {d: $v}]) @skip(if: $v) ...f ...f } fragment f on Q { x(y: $v) }";
        assert_eq!(measured(text, &Limits::default()), Ok(6));
    }

    fn measured(text: &str, limits: &Limits) -> Result<u64, Misshapen> {
        measure(&parse_query(text).unwrap(), limits)
    }

    fn exceeded(what: Exceeded) -> Result<u64, Misshapen> {
        Err(Misshapen::Exceeded(what))
    }
}

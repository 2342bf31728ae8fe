//! Documents, read and measured once: frontends send the same ones again and again.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition};
use async_graphql::parser::{self, parse_query};
use parking_lot::RwLock;

use super::refusal::Refusal;
use crate::limits::Limits;
use crate::limits::shape::{self, Misshapen};
use crate::limits::tokens::{self, Unreadable};

/// A document that passed every check that needs no variables.
#[derive(Clone)]
pub struct Document {
    /// As the parser read it.
    pub parsed: ExecutableDocument,
    /// In how many places it uses a variable.
    pub uses: u64,
}

impl Document {
    /// Reads one, refusing what is too long, too deep, too wide or no document.
    pub fn read(query: &str, limits: &Limits) -> Result<(Self, tokens::Scan), Refusal> {
        let scan = tokens::scan(query, limits).map_err(|refused| match refused {
            Unreadable::Exceeded(exceeded) => Refusal::from(exceeded),
            Unreadable::OpenString => Refusal::document(SYNTAX, "A string does not end.", None),
        })?;
        let parsed = parse_query(query).map_err(|error| unparsed(&error))?;
        let uses = shape::measure(&parsed, limits).map_err(|refused| match refused {
            Misshapen::Exceeded(exceeded) => Refusal::from(exceeded),
            Misshapen::Cycle => Refusal::document(INVALID, "A fragment spreads itself.", None),
        })?;
        Ok((Self { parsed, uses }, scan))
    }

    /// The operation of this name, or the only one.
    pub fn operation(&self, name: Option<&str>) -> Result<&OperationDefinition, Refusal> {
        let found = match (&self.parsed.operations, name) {
            (DocumentOperations::Single(operation), None) => Some(operation),
            (DocumentOperations::Single(_), Some(_)) => None,
            (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
            (DocumentOperations::Multiple(operations), None) => {
                operations.values().next().filter(|_| operations.len() == 1)
            }
        };
        let unnamed = || match name {
            Some(_) => Refusal::document(INVALID, "The document has no operation of this name.", None),
            None => Refusal::document(INVALID, "The document has several operations: name one.", None),
        };
        found.map(|operation| &operation.node).ok_or_else(unnamed)
    }
}

/// `extensions.code` of a document that does not parse.
pub const SYNTAX: &str = "GRAPHQL_SYNTAX";
/// `extensions.code` of a document, or of variables, that do not fit the schema.
pub const INVALID: &str = "GRAPHQL_VALIDATION";

/// Keeps what was expected, and leaves out the line of the document that the parser quotes.
fn unparsed(error: &parser::Error) -> Refusal {
    let at = error.positions().next();
    match error {
        parser::Error::Syntax { message, .. } => {
            let expected = message.rsplit_once("= ").map_or("a document was expected", |(_, expected)| expected.trim());
            Refusal::document(SYNTAX, format!("Syntax error: {expected}"), at)
        }
        parser::Error::RecursionLimitExceeded => Refusal::document(SYNTAX, "The document is nested too deep.", at),
        other => Refusal::document(SYNTAX, other.to_string(), at),
    }
}

/// The documents of late, by their text. Holds texts without strings, comments and long numbers only, so no value of
/// a person stays in memory here; variables never come near it.
pub struct Documents {
    limits: Limits,
    kept: RwLock<Kept>,
}

/// Two generations: what is used moves to the young one; when that is full, the old one goes.
#[derive(Default)]
struct Kept {
    young: HashMap<Box<str>, Arc<Document>>,
    old: HashMap<Box<str>, Arc<Document>>,
}

const GENERATION: usize = 256;
const LONGEST: usize = 16 << 10;

impl Documents {
    /// None yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, kept: RwLock::default() }
    }

    /// The document of this text.
    pub fn get(&self, query: &str) -> Result<Arc<Document>, Refusal> {
        let kept = self.kept.read();
        if let Some(document) = kept.young.get(query) {
            return Ok(Arc::clone(document));
        }
        let old = kept.old.get(query).map(Arc::clone);
        drop(kept);
        if let Some(document) = old {
            self.keep(query, &document);
            return Ok(document);
        }
        let (document, scan) = Document::read(query, &self.limits)?;
        let document = Arc::new(document);
        if scan.plain && query.len() <= LONGEST {
            self.keep(query, &document);
        }
        Ok(document)
    }

    fn keep(&self, query: &str, document: &Arc<Document>) {
        let mut kept = self.kept.write();
        if kept.young.len() >= GENERATION {
            kept.old = std::mem::take(&mut kept.young);
        }
        kept.young.insert(query.into(), Arc::clone(document));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_parse_is_said_without_quoting_it() {
        for text in
            ["{ contact(name: \"Anna\" }", "{", "", "{ a(b: \"Anna\\q\") }", "Anna", "{ a } { b }", "{ a(b: \"Anna) }"]
        {
            let refusal = Document::read(text, &Limits::default()).err().unwrap();
            assert_eq!((refusal.code, refusal.by_document), (SYNTAX, true), "{text}");
            assert!(!refusal.message.contains("Anna") && !refusal.message.contains('\n'), "{}", refusal.message);
        }
        let refusal = Document::read("{ a(b: \"Anna\" }", &Limits::default()).err().unwrap();
        assert!(refusal.message.starts_with("Syntax error: expected"), "{}", refusal.message);
        assert_eq!(refusal.at.unwrap().line, 1);
    }

    #[test]
    fn a_document_with_values_in_it_is_not_kept() {
        let documents = Documents::new(Limits::default());
        documents.get("{ contact(name: \"Anna\") }").unwrap();
        documents.get("{ contact(born: 19700101) }").unwrap();
        assert!(documents.kept.read().young.is_empty());
        let first = documents.get("query($name: String!) { contact(name: $name) }").unwrap();
        let again = documents.get("query($name: String!) { contact(name: $name) }").unwrap();
        assert!(Arc::ptr_eq(&first, &again));
    }

    #[test]
    fn few_documents_are_kept_and_those_in_use_stay() {
        let documents = Documents::new(Limits::default());
        let used = documents.get("{ used }").unwrap();
        for i in 0..5 * GENERATION {
            documents.get(&format!("{{ a{i} }}")).unwrap();
            assert!(Arc::ptr_eq(&used, &documents.get("{ used }").unwrap()));
        }
        let kept = documents.kept.read();
        assert!(kept.young.len() + kept.old.len() <= 2 * GENERATION);
    }
}

//! A small client of the GraphQL endpoint: what a frontend would write, and nothing of Lethe's own code.

use reqwest::blocking::{RequestBuilder, Response};
use serde_json::{Value, json};

/// A client of anybody. Reqwest itself has no TLS to begin with.
pub fn http() -> reqwest::blocking::Client {
    replay::https::builder(None).unwrap().build().unwrap()
}

/// Somebody with a token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::blocking::Client,
    url: String,
    token: String,
}

/// An answer of the endpoint.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Client {
    pub fn new(url: &str, token: &str) -> Self {
        Self { http: http(), url: url.to_owned(), token: token.to_owned() }
    }

    /// The same client with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The token it sends.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A request that is sent otherwise than as it should be.
    pub fn post(&self) -> RequestBuilder {
        self.http.post(&self.url).bearer_auth(&self.token)
    }

    /// A GET with this query string, such as `query=…`.
    pub fn get(&self, query: &str) -> Answer {
        Answer::of(self.http.get(format!("{}?{query}", self.url)).bearer_auth(&self.token).send().unwrap())
    }

    /// A GET of another path of the same server, with the token.
    pub fn get_path(&self, path: &str) -> Response {
        let server = self.url.strip_suffix("/graphql").unwrap();
        self.http.get(format!("{server}{path}")).bearer_auth(&self.token).send().unwrap()
    }

    /// The answer, whatever it is.
    pub fn send(&self, query: &str, variables: Value) -> Answer {
        self.try_send(query, variables).unwrap()
    }

    /// The answer, if there is one.
    ///
    /// # Errors
    /// What the network says: the server may have ended.
    pub fn try_send(&self, query: &str, variables: Value) -> Result<Answer, reqwest::Error> {
        Ok(Answer::of(self.post().json(&json!({ "query": query, "variables": variables })).send()?))
    }

    /// The data of an answer without errors.
    pub fn ask(&self, query: &str, variables: Value) -> Value {
        let answer = self.send(query, variables);
        assert!(answer.status == 200 && answer.body.get("errors").is_none(), "{query}\n{answer:#?}");
        answer.body["data"].clone()
    }

    /// The code of the top-level error of a question that was not answered.
    pub fn ask_refused(&self, query: &str, variables: Value) -> String {
        self.send(query, variables).code()
    }

    /// The payload of a mutation, whatever it says; `select` is what is read of it beside place and errors.
    pub fn mutate(&self, operation: &str, input: &Value, select: &str) -> Answer {
        self.send(&mutation(operation, select), json!({ "input": input }))
    }

    /// The payload of a mutation that is done.
    pub fn change(&self, operation: &str, input: &Value, select: &str) -> Value {
        let answer = self.mutate(operation, input, select);
        let payload = &answer.body["data"][operation];
        let done = answer.body.get("errors").is_none() && payload["errors"].as_array().is_some_and(Vec::is_empty);
        assert!(done && payload["position"].is_string(), "{operation} {input}\n{answer:#?}");
        payload.clone()
    }

    /// The errors of a mutation that was answered with no: nothing has a place in the log.
    pub fn refused(&self, operation: &str, input: &Value) -> Vec<Value> {
        let answer = self.mutate(operation, input, "");
        let payload = &answer.body["data"][operation];
        let errors = payload["errors"].as_array().filter(|errors| !errors.is_empty());
        assert!(answer.status == 200 && answer.body.get("errors").is_none(), "{operation} {input}\n{answer:#?}");
        assert!(payload["position"].is_null() && payload["revision"].is_null(), "{operation} {input}\n{answer:#?}");
        errors.unwrap_or_else(|| panic!("{operation} {input}\n{answer:#?}")).clone()
    }

    /// The code of the one error of a mutation that was answered with no.
    pub fn refused_with(&self, operation: &str, input: &Value) -> String {
        let errors = self.refused(operation, input);
        assert_eq!(errors.len(), 1, "{operation} {input}: {errors:?}");
        text(&errors[0]["code"])
    }
}

impl Answer {
    pub fn of(response: Response) -> Self {
        let (status, text) = (response.status().as_u16(), response.text().unwrap());
        Self { status, body: serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: {text}")) }
    }

    /// The code of its first top-level error.
    pub fn code(&self) -> String {
        text(&self.body["errors"][0]["extensions"]["code"])
    }
}

/// A mutation with one input and what is read of its payload.
fn mutation(operation: &str, select: &str) -> String {
    let input: String =
        operation.chars().take(1).flat_map(char::to_uppercase).chain(operation.chars().skip(1)).collect();
    let rest = "position recordHash revision repeated errors { message code path currentRevision }";
    format!("mutation($input: {input}Input!) {{ {operation}(input: $input) {{ {select} {rest} }} }}")
}

/// A text of an answer.
///
/// # Panics
/// When it is none.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

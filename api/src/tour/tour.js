"use strict";
// Tokens and ids live in this page and nowhere else: no storage, no cookie, no address.

const day = (ago) => new Date(Date.now() - ago * 86400000).toISOString().slice(0, 10);
const carried = { today: day(0), then: day(365), origin: location.origin };
const steps = [];

// Puts what is known in the place of {{names}}; what is not known yet stays.
const fill = (text) => text.replace(/\{\{(\w+)\}\}/g, (whole, name) => carried[name] ?? whole);
const reach = (data, path) => path.split(".").reduce((value, key) => value?.[key], data);
const fit = (area) => { area.rows = area.value.split("\n").length; };

function refill() {
  for (const { step, variables, line } of steps) {
    if (!variables.dataset.edited) {
      variables.value = fill(JSON.stringify(step.variables, null, 2));
      fit(variables);
    }
    if (step.line) line.textContent = fill(step.line);
  }
}

function show(answer, text, failed) {
  answer.hidden = false;
  answer.textContent = text;
  answer.classList.toggle("failed", failed);
}

async function send({ step, document: request, variables, answer }, operationName) {
  const token = document.getElementById(step.role).value.trim();
  if (!token) return show(answer, `Paste the token of ${step.role} at the top first.`, true);
  try {
    const body = JSON.stringify({ query: request.value, variables: JSON.parse(variables.value), operationName });
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    const response = await fetch("/graphql", { method: "POST", headers, body });
    const { data, errors } = await response.json();
    show(answer, JSON.stringify(errors ? { errors, data } : data, null, 2), Boolean(errors));
    for (const [name, path] of Object.entries(step.carry)) carried[name] = reach(data, path) ?? carried[name];
    refill();
  } catch (failed) {
    show(answer, `It was not answered: ${failed.message}`, true);
  }
}

function build(step, number) {
  const part = document.getElementById("step").content.cloneNode(true);
  const find = (name) => part.querySelector(name);
  const made = {
    step,
    document: find(".document"),
    variables: find(".variables"),
    answer: find(".answer"),
    line: find(".line"),
  };
  find("h2").textContent = `${number + 1}. ${step.title}`;
  find(".says").textContent = step.says;
  made.document.value = step.document.trim();
  fit(made.document);
  made.variables.addEventListener("input", () => { made.variables.dataset.edited = "yes"; });
  for (const [, kind, name] of step.document.matchAll(/^(query|mutation) (\w+)/gm)) {
    const button = document.createElement("button");
    button.textContent = `${kind === "query" ? "Ask" : "Do"}: ${name} (as ${step.role})`;
    button.addEventListener("click", () => send(made, name));
    find(".send").append(button);
  }
  made.line.hidden = !step.line;
  steps.push(made);
  document.getElementById("steps").append(part);
}

fetch("/tour/steps.json").then((response) => response.json()).then((list) => {
  list.forEach(build);
  refill();
});

//! The keys of agents: who they are, what they may do, how they work together.

use super::people::TEXTS;
use super::{Key, Object, Type};

pub(super) const AGENT_TYPE: Type = Type::Either(&[Type::Text, Type::Object(&AGENT)]);
pub(super) const LOOP_TYPE: Type = Type::Either(&[Type::Text, Type::Object(&LOOP)]);
pub(super) const META_TYPE: Type = Type::Either(&[Type::Text, Type::Object(&META_AGENT)]);
pub(super) const VALIDATE_TYPE: Type = Type::Either(&[Type::Template, Type::Object(&VALIDATION)]);
pub(super) const ADAPTER_TYPE: Type =
    Type::Either(&[Type::Choice { words: ADAPTERS, later: &[] }, Type::Object(&ADAPTER)]);
pub(super) const STAGE_ADAPTER_TYPE: Type = Type::Either(&[
    Type::Choice { words: ADAPTERS, later: &[] },
    Type::Template,
    Type::Object(&ADAPTER),
]);
pub(super) const TOOLS_TYPE: Type = Type::List(&Type::Choice { words: TOOLS, later: &[] });
pub(super) const PERMISSIONS_TYPE: Type = Type::List(&Type::Object(&PERMISSION));
pub(super) const TEMPERATURE: Type = Type::Number;

const ADAPTERS: &[&str] = &crate::model::AdapterKind::WORDS;
const TOOLS: &[&str] = &crate::model::ToolKind::WORDS;
const COUNT: Type = Type::Integer { min: 1, max: 1_000_000 };
const WORDS: Type = Type::List(&Type::Text);
const ENV: Type = Type::Map(&Type::Text);

pub static AGENT: Object = Object {
    name: "an agent",
    id: "agent",
    doc: "Who does the work. It has `prompt`, or `extends` another one; a text in its place is \
          the name of one: of this pipeline, of a file, or built in.",
    keys: &[
        Key::new("name", Type::Text)
            .default("the key in `agents`, else the stage's name")
            .doc("1 to 64 of `a-z 0-9 -`.")
            .example("critic"),
        Key::new("extends", Type::Text)
            .doc("The agent that says what is not said here.")
            .example("reviewer"),
        Key::new("description", Type::Text)
            .doc("When to use it, for people and planners.")
            .example("Looks for races"),
        Key::new("prompt", Type::Text)
            .doc("Its instructions: the system prompt. `${...}` means nothing in it.")
            .example("You look for races."),
        Key::new("adapter", ADAPTER_TYPE)
            .default("that of the installation, else `mock`")
            .doc("The program or protocol behind it: a kind, or more about it.")
            .example("mock"),
        Key::new("model", Type::Text)
            .default("that of the installation")
            .doc("As its provider calls it.")
            .example("large"),
        Key::new("temperature", TEMPERATURE).doc("0 to 2.").example("0.2"),
        Key::new("tools", TOOLS_TYPE)
            .default("all kinds")
            .doc("Kinds of tools that it has at all.")
            .example("[read, search]"),
        Key::new("permissions", PERMISSIONS_TYPE)
            .default(
                "reading, searching and editing below the workspace allowed, execution asked, the \
                 rest denied",
            )
            .doc("Rules of which the first that fits decides.")
            .example("[{tool: execute, command: cargo test, decision: allow}]"),
        Key::new("mcp", Type::Map(&Type::Object(&MCP_SERVER)))
            .doc("Servers of further tools, by name.")
            .example("{docs: {command: [docs-server]}}"),
        Key::new("lens", Type::Text)
            .doc("A point of view, for members of a discussion.")
            .example("security"),
        Key::new("share", Type::Number)
            .doc("Its share of the stage's budget: above 0, at most 1.")
            .example("0.5"),
        Key::new("budget", Type::Object(&BUDGET))
            .doc("What it may spend where the stage says nothing.")
            .example("{turns: 20}"),
        Key::new("timeout", Type::Duration)
            .doc("For one attempt; it only shortens the stage's own.")
            .example("20m"),
        Key::new("output_schema", Type::Schema)
            .doc("JSON Schema (2020-12) of its result where the stage declares no outputs.")
            .example("{type: object}"),
    ],
    later: &["runtime", "skills", "memory"],
};

pub static ADAPTER: Object = Object {
    name: "an adapter",
    id: "adapter",
    doc: "The program or protocol behind an agent.",
    keys: &[
        Key::new("kind", Type::Choice { words: ADAPTERS, later: &[] })
            .required()
            .doc(
                "`mock` follows a script and needs no model; `api` is a loop of our own over a \
                 model's API; `acp`, `claude` and `codex` drive coding CLIs; `command` is any \
                 program that takes the prompt on its standard input; `inbox` leaves a task file \
                 for somebody who works elsewhere.",
            )
            .example("mock"),
        Key::new("command", WORDS)
            .doc("The program and its arguments: of `acp` and `command`; of `claude` and `codex` where it is not theirs.")
            .example("[opencode, acp]"),
        Key::new("env", ENV)
            .doc("Environment of that program; never a key of a provider.")
            .example("{LEVEL: high}"),
        Key::new("provider", Type::Text)
            .default("that of the installation")
            .doc("Of whatever asks a model: a provider that the installation knows.")
            .example("openai"),
        Key::new("format", Type::Choice { words: &["chat", "responses", "messages"], later: &[] })
            .default("that of the provider")
            .doc("Of `api`: what the model's API speaks.")
            .example("chat"),
        Key::new("result", Type::Choice { words: &["exit", "json", "last_line"], later: &[] })
            .default("`exit`")
            .doc("Of `command`: what its result is read from.")
            .example("json"),
        Key::new("tmux", Type::Text)
            .doc("Of `inbox`: the tmux session that is told.")
            .example("agents"),
        Key::new("script", Type::Literal)
            .doc("Of `mock`: what it does.")
            .example("{turns: [[{text: done}]]}"),
    ],
    later: &[],
};

pub static PERMISSION: Object = Object {
    name: "a permission",
    id: "permission",
    doc: "It fits a call that everything it names fits; one that names nothing fits all.",
    keys: &[
        Key::new("tool", Type::Choice { words: TOOLS, later: &[] })
            .doc("A kind of tools.")
            .example("execute"),
        Key::new("path", Type::Glob)
            .doc("A pattern for paths, relative to the workspace.")
            .example("\"docs/**\""),
        Key::new("command", Type::Text)
            .doc("The words that a command begins with.")
            .example("cargo test"),
        Key::new("decision", Type::Choice { words: &["allow", "deny", "ask"], later: &[] })
            .required()
            .doc("`ask` is decided by a person.")
            .example("ask"),
    ],
    later: &[],
};

pub static MCP_SERVER: Object = Object {
    name: "a server of tools",
    id: "mcp_server",
    doc: "A program that speaks the Model Context Protocol on its standard streams.",
    keys: &[
        Key::new("command", WORDS)
            .required()
            .doc("The program and its arguments.")
            .example("[docs-server, --stdio]"),
        Key::new("env", ENV).doc("Its environment.").example("{LEVEL: high}"),
    ],
    later: &["url"],
};

pub static BUDGET: Object = Object {
    name: "a budget",
    id: "budget",
    doc: "What may be spent, counted over all attempts; what comes first ends the work. Money is \
          counted where the price of the model is known.",
    keys: &[
        Key::new("usd", Type::Number).doc("US dollars.").example("2.5"),
        Key::new("tokens", Type::Integer { min: 1, max: 1_000_000_000_000 })
            .doc("Input and output together.")
            .example("500000"),
        Key::new("calls", COUNT).doc("Calls of a model.").example("40"),
        Key::new("turns", COUNT).doc("Of one attempt: answers of the model.").example("50"),
        Key::new("tool_calls", COUNT).doc("Of one attempt: uses of tools.").example("200"),
    ],
    later: &[],
};

pub static VALIDATION: Object = Object {
    name: "a validation",
    id: "validation",
    doc: "A check of the work, run by Orchestrate itself; a text in its place is the command.",
    keys: &[
        Key::new("command", Type::Template)
            .required()
            .doc("A shell script; exit 0 means that the work is done.")
            .example("make check"),
        Key::new("timeout", Type::Duration).default("15m").doc("For one check.").example("5m"),
        Key::new("protect", Type::List(&Type::Glob))
            .doc("Files that the agent may not change; what it changed there is put back first.")
            .example("[\"tests/**\"]"),
    ],
    later: &["success_exit", "run_as"],
};

pub static LOOP: Object = Object {
    name: "a loop",
    id: "loop",
    doc: "The same agent again and again, each time with a fresh context, until its validation \
          passes. A text in its place is the name of a type: of this pipeline, of a file, or one \
          of `plan`, `spec`, `phase` and `ralph`.",
    keys: &[
        Key::new("extends", Type::Text)
            .aliases(&["type"])
            .doc("The loop type that says what is not said here.")
            .example("ralph"),
        Key::new("description", Type::Text).doc("For people.").example("Until the tests pass"),
        Key::new("agent", Type::Text)
            .doc("Of a type: the agent where the stage names none.")
            .example("implementer"),
        Key::new("prompt", Type::Text)
            .doc("The prompt of an iteration: a template with `{{ task }}`, `{{ iteration }}`, ...")
            .example("\"{{ task }}\""),
        Key::new("max_iterations", Type::Integer { min: 1, max: 10_000 })
            .doc("At most so many; the best of them is kept.")
            .example("10"),
        Key::new("iteration_timeout", Type::Duration).doc("For one of them.").example("30m"),
        Key::new("total_timeout", Type::Duration).doc("For all of them.").example("6h"),
        Key::new("validate", VALIDATE_TYPE)
            .aliases(&["validation"])
            .doc("The check that ends the loop, where the stage has none.")
            .example("make check"),
        Key::new("stop", Type::Object(&LOOP_STOP))
            .doc("When to give up before that.")
            .example("{no_change: 3}"),
        Key::new("progress", Type::Object(&LOOP_PROGRESS))
            .doc("What an iteration is told of those before it.")
            .example("{entries: 5}"),
    ],
    later: &["fresh_context", "success", "signal"],
};

pub static LOOP_STOP: Object = Object {
    name: "when a loop gives up",
    id: "loop_stop",
    doc: "Any of these ends the loop.",
    keys: &[
        Key::new("no_change", Type::Integer { min: 1, max: 10_000 })
            .doc("So many iterations in a row that changed nothing.")
            .example("3"),
        Key::new("same_failure", Type::Integer { min: 1, max: 10_000 })
            .doc("The same failure so many times in a row.")
            .example("4"),
        Key::new("repeated_tree", Type::Boolean)
            .doc("The files are again as they were before.")
            .example("true"),
    ],
    later: &["budget_usd"],
};

pub static LOOP_PROGRESS: Object = Object {
    name: "the progress of a loop",
    id: "loop_progress",
    doc: "What an iteration is told of those before it.",
    keys: &[
        Key::new("entries", Type::Integer { min: 0, max: 100 })
            .doc("How many of the last ones.")
            .example("5"),
        Key::new("chars", Type::Integer { min: 0, max: 100_000 })
            .doc("How much of each.")
            .example("2000"),
    ],
    later: &["notes_file", "notes_chars"],
};

pub static DISCUSSION: Object = Object {
    name: "a discussion",
    id: "discussion",
    doc: "Several agents come to one answer.",
    keys: &[
        Key::new(
            "mode",
            Type::Choice { words: &["sequential", "parallel", "council", "debate"], later: &[] },
        )
        .default("`parallel`")
        .doc(
            "`sequential`: one after the other improves a draft. `parallel`: all answer once, \
             blind. `council`: all answer, each ranks the others, a chair writes the result. \
             `debate`: all answer, see each other's answers and answer again.",
        )
        .example("council"),
        Key::new("members", Type::List(&AGENT_TYPE))
            .required()
            .doc("2 to 8 agents; the same name may stand there more than once.")
            .example("[architect, tester, reviewer]"),
        Key::new("rounds", Type::Integer { min: 1, max: 4 })
            .default("2 of a debate; 2 passes of a sequential one")
            .doc("Of a debate: rounds of answers. Of a sequential one: passes, at most.")
            .example("2"),
        Key::new(
            "combine",
            Type::Choice { words: &["concat", "vote", "synthesise", "best"], later: &[] },
        )
        .default("`synthesise`")
        .doc("Of a parallel one: how the answers become one.")
        .example("vote"),
        Key::new("chair", AGENT_TYPE)
            .default("`supervisor`")
            .doc("Writes the last answer; not one of the members.")
            .example("supervisor"),
    ],
    later: &["quorum", "max_calls"],
};

pub static META_AGENT: Object = Object {
    name: "a meta-agent",
    id: "meta_agent",
    doc: "A planner draws up the team that does the work; a text in its place is its name.",
    keys: &[
        Key::new("planner", AGENT_TYPE)
            .default("`architect`")
            .doc("Who draws it up.")
            .example("architect"),
        Key::new("max_agents", Type::Integer { min: 1, max: 5 })
            .default("5")
            .doc("At most so many members.")
            .example("3"),
        Key::new("models", TEXTS)
            .default("only the planner's own")
            .doc("Models that members may have.")
            .example("[large, small]"),
        Key::new("fallback", AGENT_TYPE)
            .doc("Does the work when no team can be drawn up; without one the attempt fails.")
            .example("implementer"),
    ],
    later: &["approval"],
};

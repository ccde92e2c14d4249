//! Where a reference or an expression stands, and what there is at that moment.

/// A place of the definition, by when and for what it is completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// Source of a shell: `run`, `probe`.
    Script,
    /// The environment of a child.
    Env,
    /// A path or a value of a stage.
    Value,
    /// The list of a fan-out.
    Items,
    /// A value of `variables`.
    Variable,
    /// What belongs to the run as a whole: `concurrency`.
    Run,
    /// `env` of the pipeline: of every stage.
    EveryEnv,
    /// `working_dir` of the pipeline.
    EveryValue,
    /// `if`, before anything of the stage is done.
    Condition,
    /// What says whether an event is meant.
    Filter,
    /// What an event is made into when it starts a run: there is nothing but the event.
    Start,
    /// What people are shown before the work.
    Ask,
    /// Made when the stage is dispatched, before anything else is.
    Map,
    /// At the end of an execution: what people are shown then, an output mapping, a list of events.
    Done,
    /// An event of a list of them.
    Emitted,
    /// The expression of a transform.
    Transform,
    /// `outputs` and `success` of the pipeline.
    Result,
    /// Source of a shell that undoes a stage.
    UndoScript,
    /// The environment of what undoes a stage.
    UndoEnv,
    /// A path or a value of what undoes a stage.
    UndoValue,
}

impl Site {
    /// The text becomes shell source.
    pub(super) fn is_script(self) -> bool {
        matches!(self, Self::Script | Self::UndoScript)
    }

    /// Secrets reach a child here.
    pub(super) fn takes_secrets(self) -> bool {
        matches!(self, Self::Env | Self::EveryEnv | Self::UndoEnv)
    }

    /// It stands in what undoes the stage.
    pub(super) fn undoes(self) -> bool {
        matches!(self, Self::UndoScript | Self::UndoEnv | Self::UndoValue)
    }

    /// A person has answered by then.
    pub(super) fn has_form(self) -> bool {
        matches!(
            self,
            Self::Script
                | Self::Env
                | Self::Value
                | Self::Map
                | Self::Done
                | Self::Emitted
                | Self::Transform
        )
    }

    /// The input mapping was applied by then.
    pub(super) fn has_input(self) -> bool {
        matches!(
            self,
            Self::Script | Self::Env | Self::Value | Self::Done | Self::Emitted | Self::Transform
        )
    }

    /// The work has given its outputs by then.
    pub(super) fn has_outputs(self) -> bool {
        self.undoes() || matches!(self, Self::Done | Self::Emitted | Self::Transform)
    }

    /// An instance of the stage is meant, if the stage has any.
    pub(super) fn has_item(self) -> bool {
        self.undoes()
            || matches!(
                self,
                Self::Script
                    | Self::Env
                    | Self::Value
                    | Self::Ask
                    | Self::Map
                    | Self::Done
                    | Self::Emitted
                    | Self::Transform
            )
    }
}

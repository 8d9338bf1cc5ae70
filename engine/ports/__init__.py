"""Small protocols that the inner layers need and the outer layers provide, a module for each noun; `engine.bootstrap` wires them."""

from engine.ports.accounts import Accounts
from engine.ports.clock import Allowance, Clock, Identifiers, Stopwatch, Watch
from engine.ports.decisions import Decided, DecisionCompiler, DecisionModel
from engine.ports.definitions import Definitions
from engine.ports.expressions import Evaluated, Evaluator, Executed, Feel, HostFunction
from engine.ports.forms import Decoded, Form, FormCompiler
from engine.ports.instances import Blobs, DataStores, Drafts, Head, Instances, Projection, Records
from engine.ports.interpreter import FIND_CALLED, FIND_PROCESS, READ_STORE, CallFunction, Execution, Interpreter, Model
from engine.ports.jobs import CONTINUATION, OF_ELEMENTS, Due, Jobs, Waker
from engine.ports.notices import Notice, Notices, Notifier
from engine.ports.operations import Answered, Answers, Bulks
from engine.ports.unit_of_work import UnitOfWork
from engine.ports.waiting import Carried, Waiting

__all__ = [
    "CONTINUATION",
    "FIND_CALLED",
    "FIND_PROCESS",
    "OF_ELEMENTS",
    "READ_STORE",
    "Accounts",
    "Allowance",
    "Answered",
    "Answers",
    "Blobs",
    "Bulks",
    "CallFunction",
    "Carried",
    "Clock",
    "DataStores",
    "Decided",
    "DecisionCompiler",
    "DecisionModel",
    "Decoded",
    "Definitions",
    "Drafts",
    "Due",
    "Evaluated",
    "Evaluator",
    "Executed",
    "Execution",
    "Feel",
    "Form",
    "FormCompiler",
    "Head",
    "HostFunction",
    "Identifiers",
    "Instances",
    "Interpreter",
    "Jobs",
    "Model",
    "Notice",
    "Notices",
    "Notifier",
    "Projection",
    "Records",
    "Stopwatch",
    "UnitOfWork",
    "Waiting",
    "Waker",
    "Watch",
]

"""The composition root: what is made of what. Nothing is made before it is asked for."""

import os
import secrets
import socket

from dependency_injector import containers, providers

from adapters.a2a.in_process import InProcessA2A
from adapters.a2a.redis_streams import RedisStreamsA2A
from adapters.clock.system import SystemClock
from adapters.content.files import FileContent
from adapters.dispatch.in_process import InProcessDispatcher
from adapters.documents.reader import LocalDocumentReader
from adapters.documents.watched import LocalFolders
from adapters.live.in_process import InProcessLive
from adapters.llm.switching import SwitchingLLM
from adapters.report.html import HtmlReport
from adapters.store.audit import SqlAudit
from adapters.store.costs import SqlCosts
from adapters.store.database import Database
from adapters.store.figures import SqlFigures
from adapters.store.graphs import SqlGraphs
from adapters.store.runs import SqlJournal
from adapters.store.state import SqlStore
from adapters.store.views import SqlSearch, SqlStreams
from adapters.telemetry.metrics import Metrics
from config import catalogue
from config.settings import Settings
from config.workflow_files import SHIPPED as WORKFLOWS
from config.workflow_files import WorkflowFiles
from infrastructure import models as choice
from infrastructure import telemetry
from infrastructure.data_directory import DataDirectory
from infrastructure.rest.shapes import shape
from services.agent_messages import AgentMessages
from services.artifacts import Artifacts
from services.budgets import Budgets
from services.conversation import Conversation
from services.costs import CostReports
from services.desk import Desk
from services.doctor import Doctor
from services.exporting import Exports
from services.forms import Forms
from services.graph_edits import GraphEdits
from services.graph_questions import GraphQuestions
from services.inputs import Intake
from services.models import ModelChecks
from services.named_questions import NamedQuestions
from services.plan_edits import PlanEdits
from services.ports.telemetry import SILENCE
from services.profiles import Profiles
from services.projects import Projects
from services.recommendations import Recommendations
from services.reports import Reports
from services.rerouting import Rerouting
from services.running.calls import Calls
from services.running.model_pool import ModelPool
from services.running.outlook import Outlook
from services.running.parking import Parking
from services.running.post_office import PostOffice
from services.running.runner import Runner
from services.staff import Staff
from services.watching import Watching
from services.work.briefing import Briefing
from services.work.choosing import Choosing
from services.work.conversing import Conversing
from services.work.handlers import handlers
from services.work.tools import Tools
from services.work_orders import WorkOrders
from services.workflows import Workflows


def _owner() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def _carrier(settings: Settings) -> InProcessA2A | RedisStreamsA2A:
    if settings.redis_url is None:
        return InProcessA2A()
    return RedisStreamsA2A(settings.redis_url.get_secret_value(), consumer=_owner())


def _reach(settings: Settings) -> str:
    if settings.is_local:
        return "listens on loopback only: no other machine reaches it"
    believed = ", ".join(settings.proxies) or "nobody"
    names = ", ".join(settings.allowed_hosts)
    return (
        f"listens on {settings.host} behind a proxy that you declared, which must be all that reaches it; answers for "
        f"{names}; believes X-Forwarded-For of {believed}"
    )


class Container(containers.DeclarativeContainer):
    settings = providers.Dependency(instance_of=Settings)
    directory = providers.Singleton(lambda settings: DataDirectory(settings.data_dir), settings)

    clock = providers.Singleton(SystemClock)
    live = providers.Singleton(InProcessLive)
    traces = providers.Singleton(telemetry.traces, settings.provided.telemetry)
    metrics = providers.Singleton(lambda traces: Metrics(traces or SILENCE), traces)
    database = providers.Singleton(lambda directory: Database(directory.database), directory)
    content = providers.Singleton(lambda directory: FileContent(directory.content), directory)
    store = providers.Singleton(SqlStore, database)
    journal = providers.Singleton(SqlJournal, database)
    graphs = providers.Singleton(SqlGraphs, database)
    search = providers.Singleton(SqlSearch, database)
    streams = providers.Singleton(SqlStreams, database)
    figures = providers.Singleton(SqlFigures, database)
    spendings = providers.Singleton(SqlCosts, database)
    audit = providers.Singleton(SqlAudit, database, content)
    reader = providers.Singleton(LocalDocumentReader)
    report_writer = providers.Singleton(HtmlReport)

    a2a = providers.Singleton(_carrier, settings)

    models = providers.Singleton(choice.ConfiguredModels, settings, directory)
    llm = providers.Singleton(SwitchingLLM, models.provided.llm)
    alias = providers.Callable(lambda models: models.alias(), models)
    choosing = providers.Singleton(Choosing, models)
    model_checks = providers.Singleton(ModelChecks, models, llm)
    own_profiles = providers.Singleton(lambda directory: catalogue.OwnProfiles(directory.agents).checked(), directory)
    staff = providers.Singleton(
        Staff,
        shipped=providers.Callable(catalogue.profiles),
        templates=providers.Callable(catalogue.templates),
        forms=providers.Callable(lambda directory: catalogue.forms(directory.forms), directory),
        own=own_profiles,
    )

    desk = providers.Singleton(Desk, store=store, content=content, clock=clock, live=live)
    profiles = providers.Singleton(Profiles, desk, staff, own_profiles)
    workflows = providers.Singleton(
        Workflows,
        desk,
        providers.Singleton(WorkflowFiles, WORKFLOWS),
        providers.Singleton(lambda directory: WorkflowFiles(directory.workflows), directory),
        staff,
    )
    rerouting = providers.Singleton(Rerouting, desk, staff, choosing, llm.provided.describe, workflows.provided.known)
    tools = providers.Singleton(Tools, graphs)
    intake = providers.Singleton(Intake, desk, reader)
    folders = providers.Singleton(lambda directory: LocalFolders(directory.path), directory)
    parking = providers.Singleton(Parking, journal, live)
    budgets = providers.Singleton(Budgets, desk, parking)
    costs = providers.Singleton(CostReports, desk, spendings, budgets)
    projects = providers.Singleton(Projects, desk, intake, folders, budgets)
    watching = providers.Singleton(Watching, desk, intake, folders)
    artifacts = providers.Singleton(Artifacts, desk)
    forms = providers.Singleton(Forms, desk, staff)
    work_orders = providers.Singleton(WorkOrders, desk, journal, forms, budgets)
    agent_messages = providers.Singleton(AgentMessages, desk)
    plan_edits = providers.Singleton(PlanEdits, desk, staff, workflows.provided.known)
    recommendations = providers.Singleton(Recommendations, desk, forms, plan_edits, streams)
    conversation = providers.Singleton(Conversation, desk, intake, projects, plan_edits, forms, staff)
    conversing = providers.Singleton(
        Conversing, staff, choosing, providers.Singleton(Briefing, streams, graphs), plan_edits
    )
    graph_questions = providers.Singleton(GraphQuestions, desk, graphs, staff)
    named_questions = providers.Singleton(NamedQuestions, desk, graphs, streams, graph_questions)
    graph_edits = providers.Singleton(GraphEdits, desk, graphs, graph_questions)
    reports = providers.Singleton(Reports, desk, staff, report_writer, models.provided.currency)
    exports = providers.Singleton(Exports, desk, graphs, streams, reports, providers.Object(shape))
    doctor = providers.Singleton(
        Doctor,
        data_dir=providers.Callable(lambda directory: directory.path, directory),
        llm=llm,
        models=models,
        audit=audit,
        database=database.provided.health,
        carrier=a2a.provided.health,
        reach=providers.Callable(_reach, settings),
    )

    outlook = providers.Singleton(Outlook, store, staff, choosing)
    model_pool = providers.Singleton(ModelPool, models.provided.memory, journal, live, outlook)
    calls_for = providers.Factory(
        Calls,
        llm=llm,
        store=store,
        journal=journal,
        content=content,
        clock=clock,
        live=live,
        telemetry=metrics,
        place=model_pool.provided.place,
    ).provider
    runner = providers.Singleton(
        Runner,
        store=store,
        journal=journal,
        search=search,
        content=content,
        clock=clock,
        live=live,
        handlers=providers.Callable(handlers, staff, choosing, tools, conversing, workflows.provided.known),
        graph=workflows.provided.graph,
        calls_for=calls_for,
        owner=providers.Callable(_owner),
        telemetry=metrics,
    )
    post_office = providers.Singleton(PostOffice, store=store, clock=clock, live=live, a2a=a2a, staff=staff)
    dispatcher = providers.Singleton(
        InProcessDispatcher,
        journal=journal,
        live=live,
        clock=clock,
        advance=runner.provided.advance,
        arrange=model_pool.provided.arrange,
        parallel=providers.Callable(lambda settings: settings.parallel, settings),
    )

"""The composition root: what is made of what. Nothing is made before it is asked for."""

import os
import secrets
import socket

from dependency_injector import containers, providers

from adapters.clock.system import SystemClock
from adapters.content.files import FileContent
from adapters.dispatch.in_process import InProcessDispatcher
from adapters.documents.reader import LocalDocumentReader
from adapters.live.in_process import InProcessLive
from adapters.report.html import HtmlReport
from adapters.store.audit import SqlAudit
from adapters.store.database import Database
from adapters.store.runs import SqlJournal
from adapters.store.state import SqlStore
from adapters.store.views import SqlGraphs, SqlSearch, SqlStreams
from config import catalogue
from config.settings import Settings
from infrastructure import models as choice
from infrastructure.data_directory import DataDirectory
from services.artifacts import Artifacts
from services.desk import Desk
from services.doctor import Doctor
from services.graph_questions import GraphQuestions
from services.inputs import Intake
from services.projects import Projects
from services.reports import Reports
from services.running.calls import Calls
from services.running.runner import Runner
from services.staff import Staff
from services.work.graphs import shipped
from services.work.handlers import handlers
from services.work_orders import WorkOrders


def _owner() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


class Container(containers.DeclarativeContainer):
    settings = providers.Dependency(instance_of=Settings)
    directory = providers.Singleton(lambda settings: DataDirectory(settings.data_dir), settings)

    clock = providers.Singleton(SystemClock)
    live = providers.Singleton(InProcessLive)
    database = providers.Singleton(lambda directory: Database(directory.database), directory)
    content = providers.Singleton(lambda directory: FileContent(directory.content), directory)
    store = providers.Singleton(SqlStore, database)
    journal = providers.Singleton(SqlJournal, database)
    graphs = providers.Singleton(SqlGraphs, database)
    search = providers.Singleton(SqlSearch, database)
    streams = providers.Singleton(SqlStreams, database)
    audit = providers.Singleton(SqlAudit, database, content)
    reader = providers.Singleton(LocalDocumentReader)
    report_writer = providers.Singleton(HtmlReport)

    models = providers.Singleton(choice.configured, settings, directory)
    llm = providers.Singleton(choice.language_model, models)
    alias = providers.Singleton(choice.alias_of, models)
    staff = providers.Singleton(
        Staff, profiles=providers.Callable(catalogue.profiles), templates=providers.Callable(catalogue.templates)
    )

    desk = providers.Singleton(Desk, store=store, content=content, clock=clock, live=live)
    intake = providers.Singleton(Intake, desk, reader)
    projects = providers.Singleton(Projects, desk, intake)
    artifacts = providers.Singleton(Artifacts, desk)
    work_orders = providers.Singleton(WorkOrders, desk, staff)
    graph_questions = providers.Singleton(GraphQuestions, desk, graphs, staff)
    reports = providers.Singleton(
        Reports, desk, report_writer, providers.Callable(lambda found: found.currency if found else "", models)
    )
    doctor = providers.Singleton(
        Doctor,
        data_dir=providers.Callable(lambda directory: directory.path, directory),
        llm=llm,
        alias=alias,
        audit=audit,
        database=database.provided.health,
    )

    calls_for = providers.Factory(
        Calls, llm=llm, store=store, journal=journal, content=content, clock=clock, live=live
    ).provider
    runner = providers.Singleton(
        Runner,
        store=store,
        journal=journal,
        search=search,
        content=content,
        clock=clock,
        live=live,
        handlers=providers.Callable(handlers, staff, alias),
        graph=providers.Object(shipped),
        calls_for=calls_for,
        owner=providers.Callable(_owner),
    )
    dispatcher = providers.Singleton(
        InProcessDispatcher,
        journal=journal,
        live=live,
        clock=clock,
        advance=runner.provided.advance,
        parallel=providers.Callable(lambda settings: settings.parallel, settings),
    )

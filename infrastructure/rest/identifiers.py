"""Ids in addresses."""

from typing import Annotated

from fastapi import Path

Project = Annotated[str, Path(description="The project's id.", examples=["prj_06b2x"])]
Member = Annotated[str, Path(description="The member's id.", examples=["mbr_06b2x"])]
Task = Annotated[str, Path(description="The task's id.", examples=["tsk_06b2x"])]
Run = Annotated[str, Path(description="The run's id.", examples=["run_06b2z"])]
Artifact = Annotated[str, Path(description="The artifact's id.", examples=["art_06b2x"])]
Recommendation = Annotated[str, Path(description="The recommendation's id.", examples=["rec_06b2x"])]
Item = Annotated[str, Path(description="The inbox item's id.", examples=["inb_06b2x"])]
Agent = Annotated[str, Path(description="The agent's id.", examples=["agt_synthesizer"])]
Workflow = Annotated[
    str, Path(max_length=80, description="The workflow's name, with or without its version.", examples=["one_attempt"])
]
Turn = Annotated[str, Path(description="The message's id.", examples=["trn_06b2x"])]
Proposal = Annotated[str, Path(description="The proposal's id.", examples=["ppl_06b2x"])]
Scope = Annotated[str, Path(description="The id of the project, agent or workspace.", examples=["prj_06b2x"])]

"""What a parser in the child process refuses."""


class Trouble(Exception):
    """`problem` is a key of `reader.PROBLEMS`, where the sentence for the user is."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

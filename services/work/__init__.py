"""What runs do: plan, schedule, draft, check, judge, report; and the AgentGraphs that string it together."""

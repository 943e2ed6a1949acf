"""Words that tell nothing of what a text is about, in English, German, French and Spanish."""

UNTELLING = """
    a about above after all also am an and any are as at be because been before being but by can could did do does
    each every for from had has have he her his how i if in into is it its may more most must my no nor not of on
    one only or other our out over shall she should so some such than that the their them then there these they this
    those through to under up upon use used using was we were what when where which while who whom whose will with
    within would you your aber als am auch auf aus bei bis das dass dem den der des die durch ein eine einem einen
    einer eines er es für hat ihr im in ist kann mit nach nicht noch nur oder sein sich sie sind so über um und
    unter vom von vor war werden wie wird zu zum zur au aux avec ce ces cette dans de des du elle en est et eux il
    ils je la le les leur mais ne nous on ou par pas plus pour qu que qui sa se ses son sont sur un une vous al como
    con del el ella ellos entre es esta este las lo los más para pero por se sin su sus también una y ya
"""
STOPWORDS = frozenset(UNTELLING.split())

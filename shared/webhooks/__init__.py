"""Webhooks: the pool's own event feed, pushed to partner applications that want to be called (Standard Webhooks 1.0.0).

rules        states, the schedule of attempts, what a receiver's answer means; pure
signing      secrets and signatures
addresses    whom we call, and whom never (SSRF)
store        every SQL statement
schemas      the wire and its problems
subscribing  what the routes do
pushing      the job: events become deliveries, deliveries are sent
api          the routes
"""

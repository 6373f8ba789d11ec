"""A phone call, from webhook to TwiML."""

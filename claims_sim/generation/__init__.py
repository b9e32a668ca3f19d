"""From a profile to reviewed claims: plan briefs, let an author write, review, repair. Publishes and stores nothing."""

"""The Celery app. Tasks are acknowledged when they are done, so that no file is lost with a worker."""

import os

from celery import Celery

QUEUE = "openrelik-worker-plainsight"
REDIS_URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")

celery = Celery(
    "plainsight",
    broker=REDIS_URL,
    backend=REDIS_URL,
    include=["openrelik_worker_plainsight.tasks"],
)
celery.conf.update(
    task_default_queue=QUEUE,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_track_started=True,
    worker_prefetch_multiplier=1,
    worker_send_task_events=True,
    # A task that a dead worker held is given to another one after so many seconds. A task that takes longer is
    # done twice, which costs time and changes nothing.
    broker_transport_options={
        "visibility_timeout": int(os.environ.get("PLAINSIGHT_VISIBILITY_TIMEOUT", "3600"))
    },
)

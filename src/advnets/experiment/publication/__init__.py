"""A generator that others find and use: its model card, and the hub that it is pushed to and pulled from.

Inside of the room a file imports only from those before it: yaml_head, card_subject, card_head, model_card, transfer,
hub_lock, pull, push.
"""

from advnets.experiment.publication.hub_lock import HubLock
from advnets.experiment.publication.model_card import PICTURE, SHARE_FILE, write_card
from advnets.experiment.publication.pull import pull
from advnets.experiment.publication.push import push

__all__ = ["HubLock", "PICTURE", "SHARE_FILE", "pull", "push", "write_card"]

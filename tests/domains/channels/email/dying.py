"""`python -m tests.domains.channels.email.dying`: a reader of mailboxes that is killed with its third mail stored and not yet committed."""

import os
import signal

from appliance.core.box import open_box
from appliance.core.config import load_settings
from appliance.domains.channels import actions
from appliance.entrypoints import mail
from appliance.entrypoints.domains import MANIFESTS

FATAL = 3


def main() -> None:
    box = open_box(load_settings(), MANIFESTS)
    take_in, taken = actions.take_in_mail, []

    def take_and_die(*given):
        taken.append(take_in(*given))
        if len(taken) == FATAL:
            os.kill(os.getpid(), signal.SIGKILL)
        return taken[-1]

    actions.take_in_mail = take_and_die
    mail.Mailboxes(box).run()


if __name__ == "__main__":
    main()

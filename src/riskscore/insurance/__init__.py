"""What stands behind a receivable: policies with calendar and alarms, collateral, and the register that a ledger holds."""

from riskscore.insurance.covering import (
    Alarm,
    AlarmCode,
    Calendar,
    Collateral,
    Cover,
    Kind,
    OpenInvoice,
    Policy,
    alarms,
    calendar,
    cover,
    exposure_within,
    lgd_after_cover,
    payout,
    uninsured_exposure,
    uninsured_total,
)
from riskscore.insurance.register import Fault, FaultCode, Register, take_register

__all__ = [
    "Alarm",
    "AlarmCode",
    "Calendar",
    "Collateral",
    "Cover",
    "Fault",
    "FaultCode",
    "Kind",
    "OpenInvoice",
    "Policy",
    "Register",
    "alarms",
    "calendar",
    "cover",
    "exposure_within",
    "lgd_after_cover",
    "payout",
    "take_register",
    "uninsured_exposure",
    "uninsured_total",
]

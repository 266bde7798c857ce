"""Which papers an applicant has to show, and which of them are missing."""

from shared.codes import Document, RefusalCode

from .facts import Situation
from .package import Package, Papers
from .verdict import Reason, merged


def missing_documents(package: Package, seen: Situation, shown: frozenset[Document], *, helped: bool) -> Reason | None:
    """Which papers are missing of those that the person's kind of applicant shows; None where nothing is.

    `helped`: whether a subsidy is there for the person.
    """
    asked = [(papers, one_of) for papers in asked_for(package, seen, helped=helped) for one_of in papers.any_of]
    lacking = [(papers, one_of) for papers, one_of in asked if not one_of & shown]
    if not lacking:
        return None
    named = "；".join("或".join(_NAMES[code] for code in Document if code in one_of) for _, one_of in lacking)
    return Reason(RefusalCode.DOCUMENTS_MISSING, f"缺少材料：{named}", merged(*(papers.rules for papers, _ in lacking)))


def asked_for(package: Package, seen: Situation, *, helped: bool) -> list[Papers]:
    """What the person's kind of applicant shows; `helped`: whether a subsidy is there for the person."""
    asked = []
    kind_found = False
    for papers in package.papers:
        if (papers.also or not kind_found) and (helped or not papers.helped) and papers.who.fits(seen):
            asked.append(papers)
            kind_found = kind_found or not papers.also
    return asked


_NAMES = {
    Document.ID_CARD: "居民身份证",
    Document.HUKOU_BOOKLET: "户口簿",
    Document.HUKOU_CERTIFICATE: "户籍证明",
    Document.RESIDENCE_PERMIT: "居住证",
    Document.RESIDENCE_CERTIFICATE: "居住证明",
    Document.UNINSURED_CERTIFICATE: "原籍未参保证明",
    Document.BIRTH_CERTIFICATE: "出生医学证明",
    Document.STUDENT_CARD: "学生证",
    Document.PHOTO: "照片",
    Document.SOCIAL_SECURITY_CARD: "社会保障卡",
    Document.OLD_SCHEME_CERTIFICATE: "原参保凭证",
    Document.INSURANCE_HANDBOOK: "医保手册",
    Document.STATUS_CERTIFICATE: "身份认定证明",
    Document.DEATH_CERTIFICATE: "死亡证明",
    Document.BANK_ACCOUNT: "银行账户",
}

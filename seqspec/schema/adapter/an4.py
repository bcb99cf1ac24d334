"""AN4: Acero (1990), "Acoustical and Environmental Robustness in Automatic Speech Recognition", the CMU
alphanumeric data base.
"""

from seqspec.schema.adapter._adapter import AdapterConfig, Download
from seqspec.schema.types import Text, Type, Waveform


class An4Config(AdapterConfig):
    """Read English spelling and commands: ``an4/etc/an4_{train,test}.{fileids,transcription}`` and NIST
    SPHERE files below ``an4/wav``.

    There is no dev part; ``data.split`` cuts one out of ``train``.
    """

    def roles(self) -> dict[str, Type]:
        return {"source": Waveform(16_000), "target": Text("en")}

    def downloads(self) -> tuple[Download, ...]:
        return (Download("http://www.speech.cs.cmu.edu/databases/an4/an4_sphere.tar.gz", "64 MB"),)

"""CPU seconds of lhotse's filterbank on one utterance: ``lhotse_fbank.py SAMPLES.npy REPEATS``."""

import statistics
import sys
import time

import numpy as np
import torch
from lhotse.features.kaldi.layers import Wav2LogFilterBank

torch.set_num_threads(1)
samples = torch.from_numpy(np.load(sys.argv[1]))[None]
bank = Wav2LogFilterBank(sampling_rate=16_000, num_filters=80, dither=0.0)
times = max(1, 100 // max(samples.shape[1] // 16_000, 1))
spent = []
with torch.no_grad():
    for _ in range(int(sys.argv[2])):
        bank(samples)
        begun = time.process_time()
        for _ in range(times):
            bank(samples)
        spent.append((time.process_time() - begun) / times)
print(statistics.median(spent))

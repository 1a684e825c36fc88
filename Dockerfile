# GPU image. Build: docker build -t vqa .
# Train: docker run --gpus all --shm-size 8g -v "$PWD/data:/app/data" -v "$PWD/cache:/app/cache" \
#          -v "$PWD/runs:/app/runs" vqa train model=gstvqa data=konvid
# The CUDA libraries come with torch's wheels; the base brings what the driver needs of the image.
FROM nvidia/cuda:13.0.1-base-ubuntu24.04

ENV DEBIAN_FRONTEND=noninteractive \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility,video

RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv libgl1 libglib2.0-0 git \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
ENV VIRTUAL_ENV=/opt/vqa PATH=/opt/vqa/bin:$PATH
RUN python3 -m venv "$VIRTUAL_ENV"

# The dependencies change rarely, so their layer comes before the code.
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY vqa/__init__.py vqa/__init__.py
RUN mkdir conf && pip install --constraint constraints.txt '.[demo]'

COPY . .
RUN pip install --no-deps --editable .

# Reads and writes only below /app; runs as an ordinary user.
RUN useradd --create-home vqa && mkdir -p data cache runs && chown -R vqa data cache runs
USER vqa

ENTRYPOINT ["vqa"]
CMD ["--help"]
